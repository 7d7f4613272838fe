package browser

import (
	"slices"
	"testing"
	"time"
)

// BenchmarkFirstScreen measures the time from opening the report of 10,000 namespaces until its first screen is painted, and
// until its tables answer: the median of the runs. The first is to be within a second.
func BenchmarkFirstScreen(b *testing.B) {
	browser := start(b)
	var painted, ready []float64
	for b.Loop() {
		tab := open(b, browser, "large", "", wide)
		painted = append(painted, value[float64](b, tab, `performance.getEntriesByName("first-contentful-paint")[0].startTime`))
		ready = append(ready, value[float64](b, tab, `performance.now()`))
	}
	b.ReportMetric(median(painted), "ms-first-screen")
	b.ReportMetric(median(ready), "ms-ready-at-most")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkSearch measures the time from a letter in the search of 10,000 namespaces until the rows are drawn and laid out: the
// median of the runs. It is to be within 100 ms.
func BenchmarkSearch(b *testing.B) {
	browser := start(b)
	tab := open(b, browser, "large", "", wide)
	words := []string{"shop-00", "payments", "seccomp", "hostPath", "kube-system-003"}
	var took []float64
	i := 0
	for b.Loop() {
		took = append(took, value[float64](b, tab, `(() => { const input = document.querySelector("#namespaces input[type=search]"), begun = performance.now();
			input.value = "`+words[i%len(words)]+`"; input.dispatchEvent(new Event("input")); document.body.offsetHeight; return performance.now() - begun; })()`))
		i++
		time.Sleep(300 * time.Millisecond) // until the address has it
	}
	b.ReportMetric(median(took), "ms-search")
	b.ReportMetric(slices.Max(took), "ms-search-longest")
	b.ReportMetric(0, "ns/op")
}

// median returns the median of times.
func median(times []float64) float64 {
	slices.Sort(times)
	return times[len(times)/2]
}
