package cluster

import "hash/maphash"

// keySet holds the keys of the objects of one API server's list that were read. It keeps a hash of 128 bits of each
// key, so that a list of 150,000 pods leaves no strings behind. The chance that two keys of a list share one is below 1
// in 10^28.
type keySet struct {
	// seeds are those of the two halves of a hash.
	seeds [2]maphash.Seed
	// known are the hashes of the keys.
	known map[[2]uint64]struct{}
}

// newKeySet returns an empty set of the keys of a list's objects.
func newKeySet() keySet {
	return keySet{seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}, known: map[[2]uint64]struct{}{}}
}

// add adds the key of an object of a list, and reports whether it is new.
func (s *keySet) add(key objectKey) bool {
	hash := [2]uint64{maphash.Comparable(s.seeds[0], key), maphash.Comparable(s.seeds[1], key)}
	if _, ok := s.known[hash]; ok {
		return false
	}
	s.known[hash] = struct{}{}
	return true
}

// size returns how many objects of a list the set has keys of.
func (s *keySet) size() int { return len(s.known) }
