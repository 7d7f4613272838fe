package cmd

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/fixtures/cluster"
	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/report"
	"github.com/psp2pss/psp2pss/pspparse/files"
)

// dump writes a synthetic cluster to a file.
func dump(b *testing.B, name string, write func(io.Writer) error) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), name)
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	w := bufio.NewWriterSize(f, 1<<20)
	if err := write(w); err != nil {
		b.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
	return path
}

// BenchmarkPlanOverDump: plan over a dump of 50,000 pods on one core, beside what encoding/json needs to decode the
// same bytes into one list, in turn. The figure to watch is x-unmarshal; 1.5 is the promise.
func BenchmarkPlanOverDump(b *testing.B) {
	path := dump(b, "dump.json", cluster.Spec{Seed: 1, Namespaces: 1500, Pods: 50_000, PodsOnly: true}.WriteJSON)
	data, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	b.SetBytes(int64(len(data)))
	var ours, theirs time.Duration
	for b.Loop() {
		runtime.GC()
		start := time.Now()
		var list corev1.PodList
		if err := json.Unmarshal(data, &list); err != nil {
			b.Fatal(err)
		}
		theirs += time.Since(start)
		if len(list.Items) < 50_000 {
			b.Fatalf("decoded %d pods", len(list.Items))
		}
		list = corev1.PodList{}
		runtime.GC()

		start = time.Now()
		inv, err := (&files.Reader{Paths: []string{path}}).Load(context.Background())
		if err != nil {
			b.Fatal(err)
		}
		plan, err := migrate.Build(inv, migrate.Options{})
		if err != nil {
			b.Fatal(err)
		}
		var out bytes.Buffer
		if err := report.PlanFormats()[0].Write(&out, plan, report.Options{}); err != nil {
			b.Fatal(err)
		}
		ours += time.Since(start)
		if len(plan.Gaps) > 0 {
			b.Fatalf("gaps: %v", plan.Gaps)
		}
	}
	b.ReportMetric(float64(ours)/float64(theirs), "x-unmarshal")
	b.ReportMetric(float64(len(data))*float64(b.N)/1e6/ours.Seconds(), "MB/s-plan")
	b.ReportMetric(float64(len(data))*float64(b.N)/1e6/theirs.Seconds(), "MB/s-unmarshal")
}

// BenchmarkPeakMemory: the whole program over the largest cluster promised (150,000 pods, 10,000 namespaces, 100,000
// bindings), from JSON and from YAML; peak-MiB is the process's largest resident set. 1024 is the promise.
func BenchmarkPeakMemory(b *testing.B) {
	spec := cluster.Spec{Seed: 1, Namespaces: 10_000, Pods: 150_000, Bindings: 100_000, Policies: 8}
	binary := filepath.Join(b.TempDir(), "psp2pss")
	if out, err := exec.Command("go", "build", "-trimpath", "-o", binary, "..").CombinedOutput(); err != nil {
		b.Fatalf("building: %v\n%s", err, out)
	}
	for _, form := range []struct {
		name  string
		write func(io.Writer) error
	}{{"dump.json", spec.WriteJSON}, {"dump.yaml", spec.WriteYAML}} {
		b.Run(form.name, func(b *testing.B) {
			path := dump(b, form.name, form.write)
			info, err := os.Stat(path)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(info.Size())
			for b.Loop() {
				b.ReportMetric(peakOf(b, binary, "plan", "-f", path, "-o", "table="+filepath.Join(b.TempDir(), "table"), "-o", "json="+filepath.Join(b.TempDir(), "plan.json")), "peak-MiB")
			}
		})
	}
}

// BenchmarkStartUp: what a user waits for before anything happens.
func BenchmarkStartUp(b *testing.B) {
	binary := filepath.Join(b.TempDir(), "psp2pss")
	if out, err := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, "..").CombinedOutput(); err != nil {
		b.Fatalf("building: %v\n%s", err, out)
	}
	if info, err := os.Stat(binary); err == nil {
		b.ReportMetric(float64(info.Size())/1e6, "MB-binary")
	}
	for b.Loop() {
		if err := exec.Command(binary, "version").Run(); err != nil {
			b.Fatal(err)
		}
	}
}

// peakOfCommand is the name under which this test binary runs printPeak.
const peakOfCommand = "peak-of"

// peakOf runs a program and returns the most memory that it had, in MiB. It starts it by a small process: on Linux a new
// process counts the memory of the one that started it as its own.
func peakOf(b *testing.B, program ...string) float64 {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Args, cmd.Stderr = append([]string{peakOfCommand}, program...), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		b.Fatal(err)
	}
	kilobytes, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	if err != nil {
		b.Fatal(err)
	}
	return kilobytes / 1024
}

// printPeak runs the program of its arguments, and prints the most memory that it had, in KiB. It returns an exit code.
func printPeak() int {
	cmd := exec.Command(os.Args[1], os.Args[2:]...)
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		fmt.Fprintln(os.Stderr, "the memory of a process is not known here")
		return 1
	}
	fmt.Println(usage.Maxrss)
	return 0
}
