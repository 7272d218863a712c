package main

import (
	"fmt"
	"io"
	"math/big"
	"strings"
	"unicode/utf8"
)

const columnGap = "  "

// table is text in columns. A column whose cells are all numbers stands to the
// right.
type table struct {
	header []string
	rows   [][]string
}

// add appends a row; missing cells stay empty.
func (t *table) add(cells ...string) {
	row := make([]string, len(t.header))
	copy(row, cells)
	t.rows = append(t.rows, row)
}

func (t *table) write(out io.Writer) error {
	widths, right := make([]int, len(t.header)), make([]bool, len(t.header))
	for column, title := range t.header {
		widths[column] = utf8.RuneCountInString(title)
		right[column] = len(t.rows) > 0
		for _, row := range t.rows {
			widths[column] = max(widths[column], utf8.RuneCountInString(row[column]))
			right[column] = right[column] && isNumber(row[column])
		}
	}
	rule := make([]string, len(t.header))
	for column := range rule {
		rule[column] = strings.Repeat("-", widths[column])
	}
	for _, row := range append([][]string{t.header, rule}, t.rows...) {
		if _, err := fmt.Fprintln(out, line(row, widths, right)); err != nil {
			return err
		}
	}
	return nil
}

func line(row []string, widths []int, right []bool) string {
	cells := make([]string, len(row))
	for column, cell := range row {
		padding := strings.Repeat(" ", widths[column]-utf8.RuneCountInString(cell))
		if right[column] {
			cells[column] = padding + cell
		} else {
			cells[column] = cell + padding
		}
	}
	return strings.TrimRight(strings.Join(cells, columnGap), " ")
}

// isNumber takes an empty cell for one, so that a missing figure does not turn
// its column.
func isNumber(cell string) bool {
	return strings.Trim(cell, "0123456789.-") == ""
}

// decimal writes an amount in whole tokens, exactly and without trailing zeros.
func decimal(amount *big.Int, decimals uint8) string {
	digits := new(big.Int).Abs(amount).String()
	if missing := int(decimals) + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	point := len(digits) - int(decimals)
	text := digits[:point]
	if fraction := strings.TrimRight(digits[point:], "0"); fraction != "" {
		text += "." + fraction
	}
	if amount.Sign() < 0 {
		text = "-" + text
	}
	return text
}
