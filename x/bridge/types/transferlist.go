package types

import (
	"fmt"
	"strconv"
	"strings"
)

// TransferList is the text form of many transfers, for the attributes of events:
// `chain id/nonce`, with commas between, and the chain left out where it is that
// of the transfer before: `1/7,8,12,2/3`. The zero value is an empty list.
type TransferList struct {
	text []byte
	last ChainID
}

// Add puts a transfer at the end.
func (l *TransferList) Add(id TransferID) {
	if len(l.text) > 0 {
		l.text = append(l.text, ',')
	}
	if len(l.text) == 0 || id.Source != l.last {
		l.text = append(strconv.AppendUint(l.text, uint64(id.Source), 10), '/')
		l.last = id.Source
	}
	l.text = strconv.AppendUint(l.text, id.Nonce, 10)
}

// String is the list's text.
func (l *TransferList) String() string { return string(l.text) }

// ParseTransferList reads the text of a TransferList.
func ParseTransferList(text string) ([]TransferID, error) {
	if text == "" {
		return nil, nil
	}
	var list []TransferID
	var id TransferID
	for i, part := range strings.Split(text, ",") {
		source, nonce, named := strings.Cut(part, "/")
		if !named {
			source, nonce = "", part
		}
		if !named && i == 0 {
			return nil, fmt.Errorf("transfers %.40q: the first names no chain", text)
		}
		if named {
			n, err := strconv.ParseUint(source, 10, 64)
			if err != nil {
				return nil, fmt.Errorf("transfers: chain %.40q is no number", source)
			}
			id.Source = ChainID(n)
		}
		n, err := strconv.ParseUint(nonce, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("transfers: nonce %.40q is no number", nonce)
		}
		id.Nonce = n
		list = append(list, id)
	}
	return list, nil
}
