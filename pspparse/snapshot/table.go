package snapshot

import (
	"crypto/sha256"
	"fmt"
)

// table has values of a snapshot that many records share: each value once, by a number from 1.
type table[T any] struct {
	values    []*T
	byPointer map[*T]int
	byContent map[[sha256.Size]byte]int
}

// number returns the number of a value; 0 for nil. content is asked for the content of a value that was not seen before.
func (t *table[T]) number(value *T, content func(*T) ([]byte, error)) (int, error) {
	if value == nil {
		return 0, nil
	}
	if n, known := t.byPointer[value]; known {
		return n, nil
	}
	if t.byPointer == nil {
		t.byPointer, t.byContent = map[*T]int{}, map[[sha256.Size]byte]int{}
	}
	text, err := content(value)
	if err != nil {
		return 0, err
	}
	sum := sha256.Sum256(text)
	n, known := t.byContent[sum]
	if !known {
		t.values = append(t.values, value)
		n = len(t.values)
		t.byContent[sum] = n
	}
	t.byPointer[value] = n
	return n, nil
}

// known returns the number of a value that has one.
func (t *table[T]) known(value *T) int { return t.byPointer[value] }

// value returns the value with a number; nil for 0. It returns an error for a number that no value has.
func (t *table[T]) value(number int) (*T, error) {
	switch {
	case number == 0:
		return nil, nil //nolint:nilnil // no value is what the number says
	case number < 0 || number > len(t.values):
		return nil, fmt.Errorf("it names the record %d of a list that has %d", number, len(t.values))
	}
	return t.values[number-1], nil
}
