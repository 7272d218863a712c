// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBridge} from "./IBridge.sol";

/// @title All storage of the bridge
/// @dev In one place because the first two slots are an interface: observers prove them with
/// `eth_getProof`. Never reorder, and inherit nothing that has storage before this.
abstract contract Layout is IBridge {
    /// @dev The address that stands for the chain's native coin.
    address internal constant NATIVE = 0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE;

    uint8 internal constant MODE_LOCK = 1;
    uint8 internal constant MODE_WRAPPED = 2;

    uint256 internal constant MAX_DATA = 1024;

    /// @dev Three slots. The first is all that a deposit needs; the third takes both things that a
    /// batch changes in quantity.
    struct Token {
        uint8 mode;
        uint8 decimals;
        bool limited;
        uint128 minimum;
        uint64 updated;
        uint128 capacity;
        uint128 rate;
        uint128 level;
        uint128 fees;
    }

    // Slot 0.
    uint64 public override inboxNonce;
    uint64 public override outboxNonce;
    uint32 public override nextIndex;
    uint64 public override sealHeight;
    bool public override deposits;

    // Slot 1.
    bytes32 public override inboxHash;

    // Slot 2. Only the hash is kept: whoever executes brings the set. Under Ethereum's coming
    // prices for state, storing a set costs many times what sending it does.
    bytes32 public override setHash;

    // Slot 3: what every execution reads besides.
    uint64 public override epoch;
    uint32 public override totalPower;
    uint32 public override releaseGas;
    bool public override activated;

    mapping(address token => Token) public override tokens;
    mapping(bytes32 asset => address token) public override tokenOf;
    mapping(address account => mapping(address token => uint256)) public override claimable;
    mapping(uint256 key => bytes32) public override owed;
}
