package rest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// profile writes profiles of the first validator: of the processor for as long as
// was measured, and of what is allocated then and was ever.
func (n *network) profile(ctx context.Context, p plan) error {
	processor := fmt.Sprintf("profile?seconds=%d", int(p.length/time.Second))
	for _, part := range []struct{ file, what string }{
		{"cpu.pprof", processor}, {"heap.pprof", "heap?gc=1"}, {"allocs.pprof", "allocs"},
	} {
		if err := fetch(ctx, "http://"+n.ports.Address(profilePort)+"/debug/pprof/"+part.what, filepath.Join(p.profile, part.file)); err != nil {
			return fmt.Errorf("profiling: %w", err)
		}
	}
	return nil
}

func fetch(ctx context.Context, url, file string) (err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, answer.Body.Close()) }()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, answer.Status)
	}
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, answer.Body)
	return errors.Join(err, out.Close())
}
