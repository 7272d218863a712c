// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Vault} from "./Vault.sol";
import {Wire} from "./Wire.sol";

/// @title Payout batches, executed in slices as far as the gas reaches
abstract contract Batch is Vault {
    using Wire for bytes;

    uint256 private constant HEADER = 39;
    uint256 private constant ITEM = 36;
    uint256 private constant MAX_ITEMS = 4096;
    uint256 private constant REFUND = 2;

    // Gas that must be left besides what the payee gets. All of them are checked and not spent:
    // whoever executes sets a higher limit and pays for what is used. They cover the prices of
    // Ethereum's Amsterdam rules, where a new storage slot costs 110,000 and a new account
    // 183,600. Should a chain become dearer still, executing reverts until it gets more gas;
    // nothing fails wrongly.

    /// @dev Closing the group (limit, two fee balances), opening the next, and the receipt.
    uint256 private constant RESERVE = 300_000;
    /// @dev Writing down a refund that could not be paid.
    uint256 private constant RESERVE_REFUND = 115_000;
    /// @dev What a call with value costs its caller.
    uint256 private constant RESERVE_NATIVE = 200_000;

    /// @dev The slice being executed.
    struct Run {
        uint64 command;
        uint256 first;
        uint256 next;
        uint256 gasCap;
        bool failed;
        bytes failures;
    }

    /// @dev The header of a group of entries.
    struct Group {
        bool refund;
        address token;
        uint256 fee;
        uint256 count;
    }

    /// @dev Number of items of a well-formed batch, or 0. Everything is checked before the first
    /// item is paid, so a batch is either executed or refused as a whole.
    function _countItems(bytes calldata batch) internal pure returns (uint256 items) {
        unchecked {
            uint256 pos;
            while (pos < batch.length) {
                if (batch.length - pos < HEADER) return 0;
                uint256 kind = batch.u8(pos);
                uint256 count = batch.u16(pos + 37);
                if (kind == 0 || kind > REFUND || count == 0) return 0;
                items += count;
                pos += HEADER + ITEM * count;
                if (pos > batch.length || items > MAX_ITEMS) return 0;
            }
        }
    }

    /// @dev Executes items from `from` on. Returns how many, whether the batch is finished, and
    /// the bitmap of those that failed.
    function _executeBatch(bytes calldata batch, uint256 items, uint64 command, uint32 from)
        internal
        returns (uint32 count, bool finished, bytes memory failures)
    {
        Run memory run;
        run.command = command;
        run.first = from;
        run.next = from;
        run.gasCap = releaseGas;
        run.failures = new bytes((items - from + 7) / 8);

        _walk(batch, run);

        unchecked {
            count = uint32(run.next - from);
            finished = run.next == items;
            failures = run.failures;
            uint256 used = run.failed ? (uint256(count) + 7) / 8 : 0;
            assembly ("memory-safe") {
                mstore(failures, used)
            }
        }
    }

    /// @dev Goes over the groups, past those that earlier slices have finished.
    function _walk(bytes calldata batch, Run memory run) private {
        unchecked {
            uint256 start; // index of the group's first item
            for (uint256 pos; pos < batch.length;) {
                Group memory group;
                group.refund = batch.u8(pos) == REFUND;
                group.token = batch.addr(pos + 1);
                group.fee = batch.u128(pos + 21);
                group.count = batch.u16(pos + 37);
                pos += HEADER;
                uint256 end = start + group.count;
                if (run.next < end) {
                    uint256 skip = ITEM * (run.next - start);
                    _payGroup(batch[pos + skip:pos + ITEM * group.count], group, run);
                    if (run.next < end) return;
                }
                start = end;
                pos += ITEM * group.count;
            }
        }
    }

    /// @dev Pays the items of one group until they or the gas are used up, then settles limit and
    /// fees once for all of them.
    function _payGroup(bytes calldata list, Group memory group, Run memory run) private {
        Token storage t = tokens[group.token];
        uint256 mode = t.mode;
        uint256 available = _available(t);
        uint256 level = available;
        uint256 from = run.next;
        uint256 needed = _gasNeeded(group, run.gasCap);
        uint256 selector = _payment(mode);

        unchecked {
            for (uint256 pos; pos < list.length; pos += ITEM) {
                // Gas running short must never look like a payee that failed.
                if (gasleft() < needed) {
                    if (run.next == run.first) revert TooLittleGas(needed);
                    break;
                }
                address to = list.addr(pos);
                uint256 amount = list.u128(pos + 20);
                if (mode != 0 && amount <= level && _pay(selector, group.token, to, amount, run.gasCap)) {
                    level -= amount;
                } else {
                    _fail(group, run, to, amount);
                }
                ++run.next;
            }
            // Without a limit the level has no meaning: it only starts too high to ever run out.
            if (level != available && t.limited) _setLevel(t, level);
            // The relayer's work was the same for items that failed. A token that is not
            // registered has no fees, since none were taken in.
            if (mode != 0) _credit(t, msg.sender, group.token, group.fee * (run.next - from));
        }
    }

    function _fail(Group memory group, Run memory run, address to, uint256 amount) private {
        unchecked {
            uint256 i = run.next - run.first;
            run.failures[i / 8] |= bytes1(uint8(1 << (i % 8)));
            run.failed = true;
        }
        // A failed release is refunded by the network, on the chain where it came from. A failed
        // refund has nowhere else to go.
        if (group.refund) owed[_owedKey(run.command, run.next)] = _debt(group.token, to, amount);
    }

    /// @dev A call gets at most 63/64 of the gas that is left after its own costs.
    function _gasNeeded(Group memory group, uint256 gasCap) private pure returns (uint256 needed) {
        unchecked {
            needed = gasCap + gasCap / 63 + 1 + RESERVE;
            if (group.refund) needed += RESERVE_REFUND;
            if (group.token == NATIVE) needed += RESERVE_NATIVE;
        }
    }
}
