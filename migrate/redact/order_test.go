package redact_test

import (
	"io"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/redact"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// In whatever order the notes of a plan stand, and the cautions that say the same of several objects, and so whatever the names are
// by which they were found, the redacted
// plan is the same byte for byte, and so is the plan restored from it.
func TestOrderOfRemarks(t *testing.T) {
	t.Parallel()
	several := 0
	for seed := range shareOf(12) {
		r := rand.New(rand.NewPCG(seed, 2))
		p := planOfText(t, func(w io.Writer) error { _, err := w.Write([]byte(alikeObjects(r))); return err })
		addRemarks(r, p)
		k := key(3)
		redacted, err := redact.Plan(p, k)
		if err != nil {
			t.Fatal(err)
		}
		want := encode(t, redacted)
		for range 5 {
			shuffled := reread(t, encode(t, p))
			several += shuffle(r, shuffled.Notes) + shuffleAlike(r, shuffled.Cautions)
			for i := range shuffled.Namespaces {
				several += shuffleAlike(r, shuffled.Namespaces[i].Cautions)
			}
			again, err := redact.Plan(shuffled, k)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(encode(t, again))); diff != "" {
				t.Fatalf("seed %d: the order is another one (-want +got):\n%s", seed, diff)
			}
		}
	}
	if several < 100 {
		t.Errorf("%d lists had an order at all", several)
	}
}

// addRemarks adds to a plan notes and cautions that differ by names only, as those about several objects do.
func addRemarks(r *rand.Rand, p *migrate.Plan) {
	for _, name := range []string{"zebra", "apple", "mango", "kiwi"} {
		p.Notes = append(p.Notes, migrate.Note{What: "Secret \"fruit/" + name + "\"", Message: message.New("check-nothing-read"), Position: pspparse.Position{File: name + ".yaml", Line: r.IntN(3)}})
		p.Cautions = append(p.Cautions, message.New("api-server-without-pod-security", "pod", name, "why", "it names it in a flag"))
		for i := range p.Namespaces {
			p.Namespaces[i].Cautions = append(p.Namespaces[i].Cautions, message.New("injector-unknown-here", "injector", "MutatingWebhookConfiguration \""+name+"\""))
		}
	}
}

// shuffle puts a list into a random order, and returns 1 where it had several elements.
func shuffle[T any](r *rand.Rand, list []T) int {
	r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return min(1, len(list)/2)
}

// shuffleAlike puts the messages of each id into a random order among their places, and returns in how many ids there were several.
func shuffleAlike(r *rand.Rand, list []message.Message) int {
	places, several := map[string][]int{}, 0
	for i, m := range list {
		places[m.ID] = append(places[m.ID], i)
	}
	for _, m := range list {
		at := places[m.ID]
		delete(places, m.ID)
		r.Shuffle(len(at), func(i, j int) { list[at[i]], list[at[j]] = list[at[j]], list[at[i]] })
		several += min(1, len(at)/2)
	}
	return several
}
