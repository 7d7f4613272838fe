package jsonpath

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
)

// decodeAll reads a whole JSON document. Whole numbers become int64, as kubectl has them. It returns errors of reading.
func decodeAll(document io.Reader) (any, error) {
	decoder := json.NewDecoder(document)
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, fmt.Errorf("reading the JSON form of the result: %w", err)
	}
	return withNumbers(value), nil
}

// decodeItems reads a JSON document and hands on the items of some lists at its top, one at a time, so that a large
// document is never held whole. It returns errors of reading and those of do.
func decodeItems(document io.Reader, lists []string, do func(any) error) error {
	decoder := json.NewDecoder(document)
	decoder.UseNumber()
	next := func() (json.Token, error) {
		token, err := decoder.Token()
		if err != nil {
			return nil, fmt.Errorf("reading the JSON form of the result: %w", err)
		}
		return token, nil
	}
	if _, err := next(); err != nil { // the brace that opens it
		return err
	}
	for decoder.More() {
		name, err := next()
		if err != nil {
			return err
		}
		if text, ok := name.(string); !ok || !slices.Contains(lists, text) {
			var skipped json.RawMessage
			if err := decoder.Decode(&skipped); err != nil {
				return fmt.Errorf("reading the JSON form of the result: %w", err)
			}
			continue
		}
		opening, err := next()
		if err != nil {
			return err
		}
		if opening == nil { // null
			continue
		}
		for decoder.More() {
			var item any
			if err := decoder.Decode(&item); err != nil {
				return fmt.Errorf("reading the JSON form of the result: %w", err)
			}
			if err := do(withNumbers(item)); err != nil {
				return err
			}
		}
		if _, err := next(); err != nil { // the bracket that closes the list
			return err
		}
	}
	_, err := next()
	return err
}

// withNumbers returns a decoded JSON value with its numbers as int64 where they are whole, else as float64.
func withNumbers(value any) any {
	switch v := value.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, _ := v.Float64() // an infinite one prints as such
		return f
	case []any:
		for i := range v {
			v[i] = withNumbers(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = withNumbers(v[name])
		}
	}
	return value
}
