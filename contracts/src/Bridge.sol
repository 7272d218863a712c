// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBridge} from "./IBridge.sol";
import {Outbox} from "./Outbox.sol";

/// @title The bridge contract
/// @notice Obeys more than 2/3 of the power of its validator set and nobody else: no owner, no
/// proxy, no initialiser. What its code does today is what it does for ever.
contract Bridge is Outbox {
    /// @dev Of a fresh contract, until SetParams says otherwise. The dearest honest payout is the
    /// first of a wrapped token, which makes two new storage slots (supply and balance): 220,000
    /// under Ethereum's Amsterdam rules.
    uint32 private constant FIRST_RELEASE_GAS = 300_000;

    /// @param network keccak256 of the network's chain-id string
    /// @param packedSet the first validator set
    /// @param stakingContract the contract that may report stake; zero for none
    constructor(bytes32 network, bytes memory packedSet, address stakingContract) Outbox(network, stakingContract) {
        if (!_install(0, packedSet)) revert BadSet();
        releaseGas = FIRST_RELEASE_GAS;
        _openInbox(network, setHash);
    }

    // The two notes are not locked: slashing, which runs under the lock, makes the staking
    // contract report what it took. Everything they touch is read afresh after a foreign call.

    /// @inheritdoc IBridge
    function noteStaked(address operator, uint128 amount, bytes calldata data) external override {
        if (msg.sender != staking) revert OnlyStaking();
        if (data.length > MAX_DATA) revert DataTooLong();
        _logStaked(operator, amount, data);
    }

    /// @inheritdoc IBridge
    function noteUnstaked(address operator, uint128 amount) external override {
        if (msg.sender != staking) revert OnlyStaking();
        _logUnstaked(operator, amount);
    }
}
