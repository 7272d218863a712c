package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/icrosschain/bridged/internal/node"
	"github.com/icrosschain/bridged/internal/ops"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// maxReason bounds the reason of an alarm, in bytes.
const maxReason = 256

func alarmCommand(s *session) *cobra.Command {
	c := group("alarm", "Vote to pause a chain, as this validator's operator",
		alarmRaiseCommand(s), alarmClearCommand(s), alarmListCommand(s))
	c.Long = `An alarm makes this home's validator vote to pause a chain. More than 1/3 of the
power pauses it: new transfers from and to it wait, and its contract takes no
deposits. Only governance, with more than 2/3 of the power, starts it again, and
while more than 1/3 raise the alarm it is paused again at once.

The alarms are in config/alarms.json of the home, and whoever may write that file
is the operator. A running node reads it every half second; one that is down
raises the alarm when it is started.`
	return c
}

func alarmRaiseCommand(s *session) *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use: "raise CHAIN", Short: "Vote to pause a chain, by its label or id", Args: args(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := need(c, "reason"); err != nil {
				return err
			}
			reason, err := checkReason(reason)
			if err != nil {
				return usagef(c, "--reason: %v", err)
			}
			var alarm ops.OperatorAlarm
			err = s.changeAlarms(func(alarms []ops.OperatorAlarm) ([]ops.OperatorAlarm, error) {
				id, label, err := s.findChain(args[0], alarms)
				if err != nil {
					return nil, err
				}
				alarm = ops.OperatorAlarm{Chain: id, Label: label, Reason: reason, Since: time.Now().UTC().Truncate(time.Second)}
				if at := indexOf(alarms, id); at >= 0 {
					alarm.Since = alarms[at].Since
					alarms[at] = alarm
					return alarms, nil
				}
				return append(alarms, alarm), nil
			})
			if err != nil {
				return err
			}
			s.note("A node that runs on this home votes to pause %s within a second; one that is down, when it is started.", alarm.Label)
			s.note("More than 1/3 of the power pauses the chain; only governance unpauses.")
			return s.print(alarm, func(w io.Writer) { printAlarms(w, []ops.OperatorAlarm{alarm}) })
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why, for the log and for who looks later")
	return c
}

func alarmClearCommand(s *session) *cobra.Command {
	return &cobra.Command{
		Use: "clear CHAIN", Short: "No longer vote to pause a chain", Args: args(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			var cleared ops.OperatorAlarm
			err := s.changeAlarms(func(alarms []ops.OperatorAlarm) ([]ops.OperatorAlarm, error) {
				id, label, err := s.findChain(args[0], alarms)
				if err != nil {
					return nil, err
				}
				at := indexOf(alarms, id)
				if at < 0 {
					return nil, fmt.Errorf("no alarm is raised for %s; see \"bridged alarm list\"", label)
				}
				cleared = alarms[at]
				return slices.Delete(alarms, at, at+1), nil
			})
			if err != nil {
				return err
			}
			s.note("This validator no longer asks for a pause of %s. If it is paused it stays so: only governance unpauses.", cleared.Label)
			return s.print(cleared, func(w io.Writer) { printAlarms(w, []ops.OperatorAlarm{cleared}) })
		},
	}
}

func alarmListCommand(s *session) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the alarms that are raised in this home", Args: args(0, 0),
		RunE: func(*cobra.Command, []string) error {
			if err := s.needHome(); err != nil {
				return err
			}
			alarms, err := ops.ReadAlarms[ops.OperatorAlarm](s.home().AlarmsFile())
			if err != nil {
				return err
			}
			return s.print(alarms, func(w io.Writer) { printAlarms(w, alarms) })
		},
	}
}

func printAlarms(w io.Writer, alarms []ops.OperatorAlarm) {
	rows := make([][]string, len(alarms))
	for i, a := range alarms {
		rows[i] = []string{a.Label, a.Chain.String(), a.Since.Format(time.RFC3339), a.Reason}
	}
	table(w, []string{"CHAIN", "ID", "SINCE", "REASON"}, rows)
}

func indexOf(alarms []ops.OperatorAlarm, id types.ChainID) int {
	return slices.IndexFunc(alarms, func(a ops.OperatorAlarm) bool { return a.Chain == id })
}

func checkReason(reason string) (string, error) {
	reason = strings.TrimSpace(reason)
	if reason == "" || len(reason) > maxReason || strings.ContainsFunc(reason, unicode.IsControl) {
		return "", fmt.Errorf("want 1 to %d bytes of text in one line", maxReason)
	}
	return reason, nil
}

func (s *session) needHome() error {
	if !s.home().Exists() {
		return fmt.Errorf("no node in %s; run \"bridged init MONIKER\" first, or name another --home", s.homeDir)
	}
	return nil
}

// changeAlarms changes the home's file of alarms. Two commands at once wait for
// each other.
func (s *session) changeAlarms(change func([]ops.OperatorAlarm) ([]ops.OperatorAlarm, error)) error {
	if err := s.needHome(); err != nil {
		return err
	}
	lock, err := os.Open(s.home().Dir())
	if err != nil {
		return fmt.Errorf("lock the alarms: %w", err)
	}
	defer func() { _ = lock.Close() }()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("lock the alarms: %w", err)
	}
	alarms, err := ops.ReadAlarms[ops.OperatorAlarm](s.home().AlarmsFile())
	if err != nil {
		return err
	}
	if alarms, err = change(alarms); err != nil {
		return err
	}
	slices.SortFunc(alarms, func(a, b ops.OperatorAlarm) int { return cmp.Compare(a.Chain, b.Chain) })
	return ops.WriteAlarms(s.home().AlarmsFile(), alarms)
}

// findChain knows the chains of this home's configuration and genesis and those
// with an alarm. A chain that came later, and that this home does not serve, has
// to be named by its id.
func (s *session) findChain(name string, alarms []ops.OperatorAlarm) (types.ChainID, string, error) {
	labels := map[string]types.ChainID{}
	for _, a := range alarms {
		labels[a.Label] = a.Chain
	}
	if genesis, err := node.ReadGenesis(s.home().GenesisFile()); err == nil {
		for _, c := range genesis.State.Chains {
			labels[c.Label] = c.ID
		}
	}
	for _, c := range s.configuredChains() {
		labels[c.Name] = types.ChainID(c.ID)
	}
	if id, known := labels[name]; known {
		return id, name, nil
	}
	if id, err := strconv.ParseUint(name, 10, 64); err == nil && id != 0 {
		for label, known := range labels {
			if known == types.ChainID(id) {
				return known, label, nil
			}
		}
		return types.ChainID(id), name, nil
	}
	var known []string
	for label, id := range labels {
		known = append(known, fmt.Sprintf("%s (%s)", label, id))
	}
	if len(known) == 0 {
		return 0, "", errors.New("this home knows no chains yet: name the chain by its id, a number")
	}
	slices.Sort(known)
	return 0, "", fmt.Errorf("%q is no chain that this home knows (%s); others go by their id, a number", name, strings.Join(known, ", "))
}
