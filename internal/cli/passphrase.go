package cli

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/icrosschain/bridged/internal/signer"
)

// passphraseEnv is where the passphrase of a role's keys is looked for.
func passphraseEnv(role signer.Role) string {
	return "BRIDGED_" + strings.ToUpper(string(role)) + "_PASSPHRASE"
}

// passphrase reads one from a file if named, else from the role's environment
// variable, else from the terminal; a new one is asked for twice.
func (s *session) passphrase(role signer.Role, file string, fresh bool) (signer.Passphrase, error) {
	if file != "" {
		return signer.PassphraseFrom{File: file}.Read()
	}
	if os.Getenv(passphraseEnv(role)) != "" {
		return signer.PassphraseFrom{Env: passphraseEnv(role)}.Read()
	}
	first, err := s.prompt(fmt.Sprintf("Passphrase of the %s key: ", role))
	if errors.Is(err, errNoTerminal) {
		return signer.Passphrase{}, fmt.Errorf("no passphrase: there is no terminal, no --passphrase-file and no %s", passphraseEnv(role))
	}
	if err != nil || !fresh {
		return signer.NewPassphrase(first), err
	}
	if len(first) < 8 {
		return signer.Passphrase{}, errors.New("the passphrase has less than 8 characters")
	}
	second, err := s.prompt("Once more: ")
	if err == nil && first != second {
		err = errors.New("the two passphrases differ")
	}
	return signer.NewPassphrase(first), err
}

var errNoTerminal = errors.New("stdin is no terminal")

// prompt asks on stderr and reads without echo.
func (s *session) prompt(question string) (string, error) {
	file, ok := s.stdin.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return "", errNoTerminal
	}
	fmt.Fprint(s.stderr, question)
	line, err := term.ReadPassword(int(file.Fd()))
	fmt.Fprintln(s.stderr)
	if err != nil {
		return "", fmt.Errorf("read the passphrase: %w", err)
	}
	return string(line), nil
}

// confirm asks for a yes; without a terminal it is a no.
func (s *session) confirm(question string) (bool, error) {
	file, ok := s.stdin.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return false, errors.New("nobody is there to ask: use -y")
	}
	fmt.Fprint(s.stderr, question+" [y/N] ")
	line, err := bufio.NewReader(file).ReadString('\n')
	if err != nil {
		return false, fmt.Errorf("read the answer: %w", err)
	}
	answer := strings.ToLower(strings.TrimSpace(line))
	return answer == "y" || answer == "yes", nil
}
