package config

import (
	"os"
	"path/filepath"
)

// Home is the directory of one node: everything it knows is under it.
//
//	config/config.toml              CometBFT's settings
//	config/app.toml                 ours
//	config/genesis.json             the network's first state
//	config/node_key.json            the peer-to-peer identity
//	config/priv_validator_key.json  the consensus key
//	config/alarms.json              chains that the operator wants paused
//	data/                           databases, the write-ahead log, what was signed last
//	data/signed_seals               every seal that was signed, so that none is signed twice
//	data/report.json                how the running node sees its chains, for "bridged status"
//	data/evidence/                  chains that contradicted themselves
//	data/snapshots/                 snapshots of the state, for nodes that join
//	data/relayer/                   what the relayer spent on each chain within a day
//	data/relayers.json              how the running relayers do
//	keys/<role>/                    keystore files: signer, operator, relayer
type Home string

// DefaultHome is ~/.bridged, or .bridged where there is no home directory.
func DefaultHome() string {
	user, err := os.UserHomeDir()
	if err != nil {
		return ".bridged"
	}
	return filepath.Join(user, ".bridged")
}

// String is the directory.
func (h Home) String() string { return string(h) }

// Dir is the directory of the configuration files.
func (h Home) Dir() string { return filepath.Join(string(h), "config") }

// Data is the directory of everything the node writes while it runs.
func (h Home) Data() string { return filepath.Join(string(h), "data") }

// Keys is the directory of the keystore files.
func (h Home) Keys() string { return filepath.Join(string(h), "keys") }

// AppFile is our configuration file.
func (h Home) AppFile() string { return filepath.Join(h.Dir(), "app.toml") }

// CometFile is CometBFT's configuration file.
func (h Home) CometFile() string { return filepath.Join(h.Dir(), "config.toml") }

// GenesisFile is the network's first state.
func (h Home) GenesisFile() string { return filepath.Join(h.Dir(), "genesis.json") }

// NodeKeyFile is the peer-to-peer identity.
func (h Home) NodeKeyFile() string { return filepath.Join(h.Dir(), "node_key.json") }

// ValidatorKeyFile is the consensus key.
func (h Home) ValidatorKeyFile() string { return filepath.Join(h.Dir(), "priv_validator_key.json") }

// ValidatorStateFile is the height, round and step signed last.
func (h Home) ValidatorStateFile() string {
	return filepath.Join(h.Data(), "priv_validator_state.json")
}

// SignedSealsFile is the record of the seals that this node signed.
func (h Home) SignedSealsFile() string { return filepath.Join(h.Data(), "signed_seals") }

// AlarmsFile is what the operator raises the alarm for.
func (h Home) AlarmsFile() string { return filepath.Join(h.Dir(), "alarms.json") }

// ContradictionsFile is what the running node raises the alarm for.
func (h Home) ContradictionsFile() string { return filepath.Join(h.Data(), "contradictions.json") }

// ReportFile is how the running node does beside consensus.
func (h Home) ReportFile() string { return filepath.Join(h.Data(), "report.json") }

// EvidenceDir is where the evidence for that is kept.
func (h Home) EvidenceDir() string { return filepath.Join(h.Data(), "evidence") }

// SnapshotsDir is where snapshots are kept for nodes that join.
func (h Home) SnapshotsDir() string { return filepath.Join(h.Data(), "snapshots") }

// SpendingDir is where it is kept what the relayer spent on each chain.
func (h Home) SpendingDir() string { return filepath.Join(h.Data(), "relayer") }

// SpendingFile is what the relayer spent on one chain.
func (h Home) SpendingFile(chain string) string {
	return filepath.Join(h.SpendingDir(), chain+".json")
}

// RelayersFile is how the running relayers do.
func (h Home) RelayersFile() string { return filepath.Join(h.Data(), "relayers.json") }

// Exists says whether a node was initialised here.
func (h Home) Exists() bool {
	_, err := os.Stat(h.AppFile())
	return err == nil
}
