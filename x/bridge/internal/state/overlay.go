package state

import (
	"bytes"
	"maps"
	"slices"
)

// Overlay is a State over a View that keeps what is written to itself: a block,
// or part of one, can be tried without a trace.
func Overlay(v View) State { return New(&overlay{r: v.r, written: map[string][]byte{}}) }

type overlay struct {
	r       Reader
	written map[string][]byte // nil where a key was deleted
}

// Get implements Reader.
func (o *overlay) Get(key []byte) ([]byte, error) {
	if value, ok := o.written[string(key)]; ok {
		return value, nil
	}
	return o.r.Get(key)
}

// Set implements Store.
func (o *overlay) Set(key, value []byte) error {
	o.written[string(key)] = append([]byte{}, value...)
	return nil
}

// Delete implements Store.
func (o *overlay) Delete(key []byte) error {
	o.written[string(key)] = nil
	return nil
}

// Iterate implements Reader: it merges the keys below with those written.
func (o *overlay) Iterate(start, end []byte, visit func(key, value []byte) bool) error {
	own := slices.DeleteFunc(slices.Sorted(maps.Keys(o.written)), func(k string) bool {
		return k < string(start) || end != nil && k >= string(end)
	})
	more := true
	ownUpTo := func(limit []byte) {
		for more && len(own) > 0 && (limit == nil || own[0] < string(limit)) {
			if value := o.written[own[0]]; value != nil {
				more = visit([]byte(own[0]), value)
			}
			own = own[1:]
		}
	}
	err := o.r.Iterate(start, end, func(key, value []byte) bool {
		ownUpTo(key)
		if _, hidden := o.written[string(key)]; more && !hidden {
			more = visit(bytes.Clone(key), value)
		}
		return more
	})
	if err == nil {
		ownUpTo(nil)
	}
	return err
}
