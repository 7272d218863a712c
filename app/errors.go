package app

import (
	"errors"

	"github.com/icrosschain/bridged/x/bridge"
)

// Codespace is whose codes CheckTx, Query and transaction results give: those
// of x/bridge, and CodeInternal.
const Codespace = "bridged"

// CodeInternal says that the node could not answer, through no fault of the
// request.
const CodeInternal uint32 = 255

// codeOf is the stable code of a refusal.
func codeOf(err error) uint32 {
	if err == nil {
		return 0
	}
	var refusal *bridge.Error
	if errors.As(err, &refusal) {
		return refusal.Code
	}
	return CodeInternal
}
