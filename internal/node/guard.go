package node

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/internal/signer"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
)

// openGuard opens the record of signed seals, for a node that signs. A home
// without blocks gets a new one, whether it signs yet or not.
func (n *Node) openGuard() (err error) {
	file, network := n.Home.SignedSealsFile(), evmsig.NetworkID(n.genesis.Doc.ChainID)
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) && !n.hasBlocks() {
		if err := signer.CreateGuard(file, network); err != nil {
			return err
		}
	}
	if len(n.keys.signers) == 0 {
		return nil
	}
	if n.guard, err = signer.OpenGuard(file, network); err != nil {
		return fmt.Errorf("%w: %w; %s", ErrSigningSafety, err, guardChoice)
	}
	return nil
}

// guardChoice is what an operator can do whose node has blocks, and not the
// record of the seals that it signed. The state is the authority for what was
// agreed, and a node signs nothing else: without the record the node is safe as
// long as its state is the network's.
const guardChoice = `a second seal of one height would ban this validator, so put the file back as it was last; ` +
	`if it is gone, make sure that this state is the network's ("bridged status" shows the app hash of a height, compare it with another node's; ` +
	`else "bridged comet reset" and sync again) and that no other process signs with this key, and run "bridged comet forget-seals"`

// ForgetSeals begins a new record of signed seals; one that is there is kept
// beside it, under the name that is returned.
func ForgetSeals(home config.Home) (old string, err error) {
	lock, err := lockHome(home)
	if err != nil {
		return "", err
	}
	defer func() { _ = lock.Close() }()
	genesis, err := ReadGenesis(home.GenesisFile())
	if err != nil {
		return "", err
	}
	file := home.SignedSealsFile()
	old = file + ".old"
	err = os.Rename(file, old)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		old = ""
	case err != nil:
		return "", fmt.Errorf("put the record of signed seals aside: %w", err)
	}
	return old, signer.CreateGuard(file, evmsig.NetworkID(genesis.Doc.ChainID))
}
