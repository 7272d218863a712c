package node

import (
	"strings"
	"testing"

	"github.com/icrosschain/bridged/config"
)

// What holds a secret must not be the variable of a setting too: "config view"
// would print it.
func TestSecretsAreNoSettings(t *testing.T) {
	for _, secret := range []string{signerKeyEnv, nextSignerKeyEnv} {
		t.Setenv(secret, "5ec7e7")
	}
	home := config.Home(t.TempDir())
	if err := config.Write(home, config.Default()); err != nil {
		t.Fatal(err)
	}
	loaded, err := config.Load(home, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range loaded.Settings {
		if strings.Contains(s.Value, "5ec7e7") || config.EnvName(s.Key) == signerKeyEnv || config.EnvName(s.Key) == nextSignerKeyEnv {
			t.Errorf("%s is set by a variable that holds a secret: %s", s.Key, s.Value)
		}
	}
}
