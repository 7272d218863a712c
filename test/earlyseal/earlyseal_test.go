package earlyseal

import (
	"os"
	"reflect"
	"slices"
	"testing"

	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// breach is a property that a variant breaks.
type breach struct {
	variant  string
	beyond   bool
	property int
}

// What docs/adr/0010 says of each variant, in a few seeds; `make sim-early` runs many.
func TestVerdicts(t *testing.T) {
	seeds := uint64(1200)
	if os.Getenv("BRIDGED_LONG") != "" {
		seeds = 20_000
	}
	// What breaks while liars have less than 1/3, and what from there on.
	want := map[string][2][]int{
		"today": {{}, {}},
		"a":     {{Wrong, Framed, Ahead}, {Wrong, Framed, Ahead}},
		"b":     {{Escaped, Spared, Ahead}, {Wrong, Escaped, Spared, Quiet, Ahead}},
		"c":     {{Escaped, Spared, Ahead}, {Wrong, Escaped, Spared, Quiet, Ahead}},
		"d":     {{Escaped, Spared, Ahead}, {Wrong, Framed, Escaped, Spared, Quiet, Ahead}},
		"e":     {{Spared, Ahead}, {Wrong, Spared, Quiet, Ahead}},
		"f":     {{Escaped, Spared, Ahead}, {Wrong, Framed, Escaped, Spared, Quiet, Ahead}},
		"g":     {{Spared, Ahead}, {Wrong, Spared, Quiet, Ahead}},
	}
	// What may not come in so few seeds.
	rare := []breach{{"a", false, Wrong}, {"d", true, Framed}, {"f", true, Framed}}
	heights, broken := 0, map[breach]uint64{}
	for seed := uint64(1); seed <= seeds; seed++ {
		r := Run(NewScenario(seed), NoFault)
		heights += r.Heights
		if !r.Beyond && (r.Stuck || r.Forked) {
			t.Errorf("seed %d: no block any more: %t; two blocks of a height: %t", seed, r.Stuck, r.Forked)
		}
		for i, v := range Variants {
			for _, properties := range r.Verdicts[i].Broken {
				for p, yes := range properties {
					if yes {
						broken[breach{v.Name, r.Beyond, p}] = seed
					}
				}
			}
		}
	}
	for _, v := range Variants {
		for _, beyond := range []bool{false, true} {
			for p, name := range Names {
				key := breach{v.Name, beyond, p}
				seed, found := broken[key]
				expected := slices.Contains(want[v.Name][Count(beyond)], p)
				if found && !expected || !found && expected && !slices.Contains(rare, key) {
					t.Errorf("variant %s, liars beyond 1/3: %t: %s: %t (seed %d), want %t", v.Name, beyond, name, found, seed, expected)
				}
			}
		}
	}
	if heights < int(seeds)*3 { //nolint:gosec // small
		t.Errorf("only %d heights were judged in %d runs", heights, seeds)
	}
}

// The model has to see mistakes, or it proves nothing.
func TestPlantedFaultsAreFound(t *testing.T) {
	for _, c := range []struct {
		fault    Fault
		variant  string
		property int
	}{
		{NoLock, "e", Wrong},
		{NoLock, "g", Wrong},
		{AtPrevote, "e", Framed},
		{AtPrevote, "g", Wrong},
		{Half, "e", Wrong},
		{Half, "g", Wrong},
		{Mixed, "e", Wrong},
		{HeightGuard, "e", Unsealed},
		{HeightGuard, "g", Unsealed},
		{NoPolkas, "e", Framed},
		{NoPolkas, "g", Framed},
	} {
		at := slices.IndexFunc(Variants[:], func(v Variant) bool { return v.Name == c.variant })
		found := uint64(0)
		for seed := uint64(1); seed <= 3000 && found == 0; seed++ {
			s := NewScenario(seed)
			if s.Calm || s.Beyond {
				continue
			}
			r := Run(s, c.fault)
			for _, properties := range r.Verdicts[at].Broken {
				if properties[c.property] {
					found = seed
				}
			}
		}
		t.Logf("%s: variant %s, seed %d", c.fault, c.variant, found)
		if found == 0 {
			t.Errorf("%s: variant %s still seems to hold", c.fault, c.variant)
		}
	}
}

// A round has one polka, so even who loses all files signs one seal in it.
func TestWithoutTheFileOfSignedSeals(t *testing.T) {
	rewound := 0
	for seed := uint64(1); seed <= 3000; seed++ {
		s := NewScenario(seed)
		if s.Beyond || s.rewound == 0 || s.crash == 0 {
			continue
		}
		rewound++
		for i, properties := range Run(s, NoGuard).Verdicts {
			for _, broken := range properties.Broken {
				if name := Variants[i].Name; name != "a" && broken[Framed] {
					t.Errorf("seed %d: variant %s frames somebody", seed, name)
				}
			}
		}
	}
	if rewound < 50 {
		t.Errorf("files are lost in %d runs only", rewound)
	}
}

func TestTheSameSeedIsTheSameRun(t *testing.T) {
	first, second := Run(NewScenario(74), NoFault), Run(NewScenario(74), NoFault)
	if len(first.Story) == 0 || !reflect.DeepEqual(first, second) {
		t.Errorf("the same seed gave\n%v\nthen\n%v", first.Story, second.Story)
	}
	if other := Run(NewScenario(75), NoFault); slices.Equal(other.Story, first.Story) {
		t.Error("two seeds gave the same run")
	}
}

// Digests are those of contracts, and rounds and blocks tell them apart where they
// are signed.
func TestDigests(t *testing.T) {
	b, twin := &block{height: 7, number: 1, content: 2}, &block{height: 7, number: 2, content: 2}
	root := evmsig.MerkleRoot([]types.Hash{commandLeaf(b)})
	for _, c := range []struct {
		form          int
		round, number bool // are told apart
	}{{plain, false, false}, {leafed, true, false}, {typed, true, true}} {
		v := Variant{form: c.form}
		s := v.sealOf(b, 3)
		if round := s.digest != v.sealOf(b, 4).digest; round != c.round {
			t.Errorf("form %d: tells rounds apart: %t", c.form, round)
		}
		if number := s.digest != v.sealOf(twin, 3).digest; number != c.number {
			t.Errorf("form %d: tells blocks of the same commands apart: %t", c.form, number)
		}
		if got := v.sealOf(b, afterCommit).digest; got != evmsig.SealDigest(network, 1, 7, root) {
			t.Errorf("form %d: after the commit %s is signed, which is not today's digest", c.form, got.Hex())
		}
	}
}

// Liars have less than 1/3, or from 1/3 to 2/3; with those whose files are lost they
// are still less than 1/3, where they began so.
func TestScenarios(t *testing.T) {
	var beyond, forgetful int
	for seed := range uint64(2000) {
		s := NewScenario(seed)
		lying, faulty := 3*s.power(s.liars), 3*s.power(s.liars|s.forgetful)
		if !s.Beyond && faulty >= s.total || s.Beyond && (lying < s.total || lying > 2*s.total) {
			t.Fatalf("%s: faulty power %d/3; beyond: %t", s, faulty, s.Beyond)
		}
		beyond += Count(s.Beyond)
		forgetful += Count(s.forgetful != 0)
	}
	if beyond < 300 || forgetful < 300 {
		t.Errorf("%d runs beyond 1/3, %d with forgetful validators", beyond, forgetful)
	}
}
