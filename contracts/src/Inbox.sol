// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Layout} from "./Layout.sol";

/// @title The log that the network reads
/// @dev Every function reads the position afresh: an event may be appended in the middle of an
/// execution, when slashing makes the staking contract report what it took.
abstract contract Inbox is Layout {
    uint8 private constant INITIALIZED = 1;
    uint8 private constant DEPOSITED = 2;
    uint8 private constant EXECUTED = 3;
    uint8 private constant CLAIMED = 4;
    uint8 private constant TOKEN_REGISTERED = 5;
    uint8 private constant STAKED = 6;
    uint8 private constant UNSTAKED = 7;

    /// @dev Starts the accumulator from what no other contract shares, so that the hashes of two
    /// bridges never meet.
    function _openInbox(bytes32 network, bytes32 set) internal {
        inboxHash = keccak256(abi.encode(bytes32("bridged.inbox.v1"), network, block.chainid, address(this)));
        uint64 nonce = _nextNonce();
        emit Initialized(nonce, _append(keccak256(abi.encode(INITIALIZED, nonce, set))), set);
    }

    function _logDeposited(
        address token,
        uint64 destination,
        bytes32 recipient,
        address refundTo,
        uint128 amount,
        uint128 maxFee,
        bytes calldata data
    ) internal returns (uint64 nonce) {
        nonce = _nextNonce();
        bytes32 leaf = keccak256(
            abi.encode(
                DEPOSITED,
                nonce,
                token,
                msg.sender,
                destination,
                recipient,
                refundTo,
                amount,
                maxFee,
                keccak256(data)
            )
        );
        emit Deposited(
            nonce, _append(leaf), token, msg.sender, destination, recipient, refundTo, amount, maxFee, data
        );
    }

    function _logExecuted(uint64 command, uint32 first, uint32 count, bytes memory failures) internal {
        uint64 nonce = _nextNonce();
        bytes32 leaf =
            keccak256(abi.encode(EXECUTED, nonce, command, first, count, msg.sender, keccak256(failures)));
        emit Executed(nonce, _append(leaf), command, first, count, msg.sender, failures);
    }

    function _logClaimed(uint64 command, uint32 index, address token, uint128 amount, address to) internal {
        uint64 nonce = _nextNonce();
        bytes32 leaf = keccak256(abi.encode(CLAIMED, nonce, command, index, token, msg.sender, amount, to));
        emit Claimed(nonce, _append(leaf), command, index, token, msg.sender, amount, to);
    }

    function _logTokenRegistered(bytes32 asset, address token, uint8 mode, uint8 decimals) internal {
        uint64 nonce = _nextNonce();
        bytes32 leaf = keccak256(abi.encode(TOKEN_REGISTERED, nonce, asset, token, mode, decimals));
        emit TokenRegistered(nonce, _append(leaf), asset, token, mode, decimals);
    }

    function _logStaked(address operator, uint128 amount, bytes calldata data) internal {
        uint64 nonce = _nextNonce();
        bytes32 leaf = keccak256(abi.encode(STAKED, nonce, operator, amount, keccak256(data)));
        emit Staked(nonce, _append(leaf), operator, amount, data);
    }

    function _logUnstaked(address operator, uint128 amount) internal {
        uint64 nonce = _nextNonce();
        bytes32 leaf = keccak256(abi.encode(UNSTAKED, nonce, operator, amount));
        emit Unstaked(nonce, _append(leaf), operator, amount);
    }

    function _nextNonce() private returns (uint64 nonce) {
        nonce = inboxNonce + 1;
        inboxNonce = nonce;
    }

    function _append(bytes32 leaf) private returns (bytes32 hash) {
        hash = keccak256(abi.encode(inboxHash, leaf));
        inboxHash = hash;
    }
}
