// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {Batch} from "./Batch.sol";
import {IBridge} from "./IBridge.sol";
import {IStaking} from "./IStaking.sol";
import {Quorum} from "./Quorum.sol";
import {Wire} from "./Wire.sol";
import {WrappedToken} from "./WrappedToken.sol";

/// @title The network's commands, in strict order
abstract contract Outbox is Batch {
    using Wire for bytes;

    uint8 private constant ACTIVATE = 1;
    uint8 private constant SET_VALIDATORS = 2;
    uint8 private constant BATCH = 3;
    uint8 private constant REGISTER_TOKEN = 4;
    uint8 private constant SET_PARAMS = 5;
    uint8 private constant SLASH = 6;
    uint8 private constant RELEASE_STAKE = 7;

    uint256 private constant MIN_RELEASE_GAS = 50_000;
    uint256 private constant MAX_RELEASE_GAS = 2_000_000;
    uint256 private constant FRACTION_UNIT = 1_000_000;

    uint256 private constant REGISTER_BYTES = 166;
    uint256 private constant PARAMS_HEADER = 5;
    uint256 private constant PARAMS_ENTRY = 68;

    /// @dev What the staking contract may use of a command, and what must be left afterwards.
    uint256 private constant STAKING_GAS = 1_000_000;
    uint256 private constant STAKING_RESERVE = 100_000;

    /// @inheritdoc IBridge
    bytes32 public immutable override networkId;
    /// @inheritdoc IBridge
    address public immutable override staking;

    bytes32 private immutable _domain;

    constructor(bytes32 network, address stakingContract) {
        if (network == 0) revert BadNetworkId();
        if (block.chainid == 0 || block.chainid > type(uint64).max) revert BadChainId();
        networkId = network;
        staking = stakingContract;
        _domain = Quorum.domain(network);
    }

    /// @inheritdoc IBridge
    function execute(
        bytes calldata command,
        uint32 from,
        bytes32[] calldata proof,
        Seal calldata seal,
        bytes calldata quorum
    ) external override nonReentrant {
        // The cheap checks come first, so that a relayer who lost the race pays little.
        if (from != nextIndex) revert BadIndex(nextIndex);
        if (seal.height < sealHeight) revert BadHeight(sealHeight);
        uint64 nonce = outboxNonce + 1;
        // The chain id is read and not remembered: after a fork of the chain, the copy whose id
        // changed must not obey commands that are meant for the other.
        bytes32 leaf = keccak256(abi.encode(block.chainid, address(this), nonce, keccak256(command)));
        leaf = keccak256(abi.encode(leaf));
        if (!MerkleProof.verifyCalldata(proof, seal.root, leaf)) revert BadProof();
        _checkQuorum(seal, quorum);
        if (epoch == 0) epoch = seal.epoch;

        (uint32 count, bool finished, bytes memory failures) = _run(command, nonce, from);

        sealHeight = seal.height;
        nextIndex = finished ? 0 : from + count;
        outboxNonce = finished ? nonce : nonce - 1; // unconditional: one write of the slot
        _logExecuted(nonce, from, count, failures);
    }

    /// @inheritdoc IBridge
    function checkQuorum(Seal calldata seal, bytes calldata quorum) external view override {
        _checkQuorum(seal, quorum);
    }

    function _checkQuorum(Seal calldata seal, bytes calldata quorum) private view {
        // The network numbers its epochs; the first seal tells the number of the set that this
        // contract was deployed with, and has to be signed by that very set.
        uint64 own = epoch;
        if (own == 0 ? seal.epoch == 0 : seal.epoch != own) revert BadEpoch(own);
        if (seal.root == 0) revert BadRoot();
        Quorum.check(quorum, setHash, totalPower, Quorum.digest(_domain, seal));
    }

    function _run(bytes calldata command, uint64 nonce, uint32 from)
        private
        returns (uint32 count, bool finished, bytes memory failures)
    {
        if (command.length != 0 && command.u8(0) == BATCH) {
            uint256 items = _countItems(command[1:]);
            if (items != 0) return _executeBatch(command[1:], items, nonce, from);
        }
        return (1, true, _control(command) ? bytes("") : bytes(hex"01"));
    }

    /// @dev Executes what is not a batch. False if it cannot be done: then nothing was changed.
    function _control(bytes calldata command) private returns (bool) {
        if (command.length == 0) return false;
        uint256 kind = command.u8(0);
        bytes calldata body = command[1:];
        if (kind == ACTIVATE) return _activate(body);
        if (kind == SET_VALIDATORS) return _setValidators(body);
        if (kind == REGISTER_TOKEN) return _registerToken(body);
        if (kind == SET_PARAMS) return _setParams(body);
        if (kind == SLASH) return _slash(body);
        if (kind == RELEASE_STAKE) return _releaseStake(body);
        return false;
    }

    /// @dev Once only: later, deposits are SetParams' matter.
    function _activate(bytes calldata body) private returns (bool) {
        if (body.length != 0 || activated) return false;
        activated = true;
        deposits = true;
        return true;
    }

    function _setValidators(bytes calldata body) private returns (bool) {
        if (body.length < 8) return false;
        uint64 next = body.u64(0);
        if (next != epoch + 1) return false;
        return _install(next, body[8:]);
    }

    /// @dev Puts a set in force if it is valid.
    function _install(uint64 number, bytes memory set) internal returns (bool) {
        uint256 total = Quorum.measure(set);
        if (total == 0) return false;
        epoch = number;
        setHash = keccak256(set);
        totalPower = uint32(total);
        return true;
    }

    function _registerToken(bytes calldata body) private returns (bool) {
        if (body.length != REGISTER_BYTES) return false;
        bytes32 asset = body.word(0);
        address token = body.addr(32);
        uint8 mode = body.u8(52);
        uint8 decimals = body.u8(53);
        bytes32 name = body.word(102);
        bytes32 symbol = body.word(134);
        if (asset == 0 || tokenOf[asset] != address(0)) return false;
        if (mode == MODE_LOCK) {
            if (name != 0 || symbol != 0 || !_lockable(token)) return false;
        } else if (mode == MODE_WRAPPED) {
            if (name == 0 || symbol == 0 || token != address(0)) return false;
            // The salt was never used, so this fails for want of gas only; then it reverts.
            token = address(new WrappedToken{salt: asset}(name, symbol, decimals));
        } else {
            return false;
        }
        tokenOf[asset] = token;
        Token storage t = tokens[token];
        t.mode = mode;
        t.decimals = decimals;
        _setLimit(t, body.u128(54), body.u128(70), body.u128(86));
        _logTokenRegistered(asset, token, mode, decimals);
        return true;
    }

    /// @dev A payout calls its token, so nothing that obeys the bridge may be one.
    function _lockable(address token) private view returns (bool) {
        if (tokens[token].mode != 0 || token == address(this) || token == staking) return false;
        return token == NATIVE || token.code.length != 0;
    }

    function _setParams(bytes calldata body) private returns (bool) {
        if (body.length < PARAMS_HEADER) return false;
        uint256 list = body.length - PARAMS_HEADER;
        uint32 gasCap = body.u32(0);
        uint256 open = body.u8(4);
        if (list % PARAMS_ENTRY != 0 || gasCap < MIN_RELEASE_GAS || gasCap > MAX_RELEASE_GAS) return false;
        if (open > 1 || (open == 1 && !activated)) return false;
        // All or nothing: every token is looked up before the first is changed.
        for (uint256 pos = PARAMS_HEADER; pos < body.length; pos += PARAMS_ENTRY) {
            if (tokens[body.addr(pos)].mode == 0) return false;
        }
        for (uint256 pos = PARAMS_HEADER; pos < body.length; pos += PARAMS_ENTRY) {
            Token storage t = tokens[body.addr(pos)];
            _setLimit(t, body.u128(pos + 20), body.u128(pos + 36), body.u128(pos + 52));
        }
        releaseGas = gasCap;
        deposits = open == 1;
        return true;
    }

    function _slash(bytes calldata body) private returns (bool) {
        if (body.length != 24) return false;
        address operator = body.addr(0);
        uint32 fraction = body.u32(20);
        if (operator == address(0) || fraction == 0 || fraction > FRACTION_UNIT) return false;
        return _callStaking(abi.encodeCall(IStaking.slash, (operator, fraction)));
    }

    function _releaseStake(bytes calldata body) private returns (bool) {
        if (body.length != 36) return false;
        address operator = body.addr(0);
        uint128 amount = body.u128(20);
        if (operator == address(0) || amount == 0) return false;
        return _callStaking(abi.encodeCall(IStaking.release, (operator, amount)));
    }

    function _callStaking(bytes memory input) private returns (bool ok) {
        address target = staking;
        if (target.code.length == 0) return false;
        // As with payouts: too little gas must not look like a staking contract that refuses.
        uint256 needed = STAKING_GAS + STAKING_GAS / 63 + STAKING_RESERVE;
        if (gasleft() < needed) revert TooLittleGas(needed);
        assembly ("memory-safe") {
            ok := call(STAKING_GAS, target, 0, add(input, 32), mload(input), 0, 0)
        }
    }
}
