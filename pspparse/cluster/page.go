package cluster

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
)

const (
	// pageSize bounds what is held of one list, here and on the server; kubectl uses the same.
	pageSize = 500
	// maxAttempts bounds how often one page is asked for, on top of the waiting that client-go does by itself where the
	// server says for how long.
	maxAttempts = 4
	// firstDelay doubles with each attempt.
	firstDelay = 500 * time.Millisecond
)

// page is one page of a list, decoded.
type page struct {
	items []runtime.Object
	next  string
}

// answer is one page of a list as it came. Decoding it takes the client about as long as making the next one takes the
// server, so the two are done at the same time: next is known before decode is called, or "" where only decode knows.
type answer struct {
	next   string
	decode func() (page, error)
}

// ask requests a page and returns a function that waits for it.
func (l *lister) ask(ctx context.Context, k kind, s source, next string) func() (answer, error) {
	type result struct {
		answer
		err error
	}
	done := make(chan result, 1) // nobody may be waiting any more
	go func() {
		a, err := l.request(ctx, k, s, next)
		done <- result{a, err}
	}()
	return func() (answer, error) {
		r := <-done
		return r.answer, r.err
	}
}

// request gets one page, and tries again after failures that may pass, as long as the timeout allows.
func (l *lister) request(ctx context.Context, k kind, s source, next string) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	var last error
	for attempt := 1; ; attempt++ {
		a, err := l.fetch(ctx, k, s, next)
		if ctx.Err() != nil && err != nil {
			return answer{}, fmt.Errorf("no answer within %s: %w", l.timeout, errors.Join(last, ctx.Err()))
		}
		if err == nil || !mayPass(err) || attempt == maxAttempts {
			return a, err
		}
		delay := max(firstDelay<<(attempt-1), suggested(err))
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < delay {
			return answer{}, err
		}
		if l.wait(ctx, delay) != nil {
			return answer{}, err
		}
		last = err
	}
}

func (l *lister) fetch(ctx context.Context, k kind, s source, next string) (answer, error) {
	if s.asJSON {
		return l.fetchJSON(ctx, k, s, next)
	}
	request := l.client.Get().AbsPath(groupPath(s.gv), k.resource).Param("limit", strconv.Itoa(pageSize))
	if next != "" {
		request.Param("continue", next)
	}
	data, err := body(request.Do(ctx))
	if err != nil {
		return answer{}, err
	}
	return answer{next: peekContinue(data), decode: func() (page, error) {
		// The type is taken from the answer, never from what was asked for: into a given type, "{}" would decode as an
		// empty list, and an empty list is the most dangerous thing that can be read by mistake.
		list, gvk, err := l.decoder.Decode(data, nil, nil)
		if err != nil {
			return page{}, &answerError{fmt.Errorf("decoding the answer: %w", err)}
		}
		return newPage(list, *gvk, s.gv.WithKind(k.list))
	}}, nil
}

// body is the body of an answer, or the error with the server's own words; Raw alone would lose them.
func body(r rest.Result) ([]byte, error) {
	if err := r.Error(); err != nil {
		return nil, err
	}
	return r.Raw()
}

func (l *lister) fetchJSON(ctx context.Context, k kind, s source, next string) (answer, error) {
	list, err := l.dynamic.Resource(s.gv.WithResource(k.resource)).List(ctx, metav1.ListOptions{Limit: pageSize, Continue: next})
	if err != nil {
		return answer{}, err
	}
	return answer{next: list.GetContinue(), decode: func() (page, error) {
		return newPage(list, list.GroupVersionKind(), s.gv.WithKind(k.list))
	}}, nil
}

func newPage(o runtime.Object, got, want schema.GroupVersionKind) (page, error) {
	if got != want {
		return page{}, &answerError{fmt.Errorf("the answer is a %s of %s", got.Kind, got.GroupVersion())}
	}
	list, err := apimeta.ListAccessor(o)
	if err != nil {
		return page{}, &answerError{err}
	}
	p := page{next: list.GetContinue()}
	err = apimeta.EachListItem(o, func(item runtime.Object) error {
		p.items = append(p.items, item)
		return nil
	})
	if err != nil {
		return page{}, &answerError{err}
	}
	return p, nil
}

// peekContinue finds the continue token of a list in protobuf without decoding the list: the envelope holds the list as
// its field 2, that holds its metadata as field 1, and that the token as field 3. All of them precede the items.
func peekContinue(body []byte) string {
	envelope, ok := bytes.CutPrefix(body, []byte("k8s\x00"))
	if !ok {
		return ""
	}
	return string(field(field(field(envelope, 2), 1), 3))
}

// field returns the first field of a protobuf message with the given number, if it and those before it hold bytes.
func field(message []byte, number uint64) []byte {
	for len(message) > 0 {
		tag, n := binary.Uvarint(message)
		if n <= 0 || tag&7 != 2 {
			return nil
		}
		message = message[n:]
		size, n := binary.Uvarint(message)
		message = message[max(n, 0):]
		if n <= 0 || size > math.MaxInt32 || int(size) > len(message) {
			return nil
		}
		if tag>>3 == number {
			return message[:size]
		}
		message = message[size:]
	}
	return nil
}
