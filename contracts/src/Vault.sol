// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IBridge} from "./IBridge.sol";
import {Inbox} from "./Inbox.sol";
import {WrappedToken} from "./WrappedToken.sol";

/// @title Custody: what comes in, what goes out, and what is owed
/// @dev The vault does not ask whether its balance covers a payout besides the fees and refunds it
/// owes: the network books custody, fees and debts of every token and orders no payout above them,
/// and a check by `balanceOf` would cost every batch a call into a foreign token, whose answer it
/// could not trust. A token that loses balance by itself makes the last payments fail, not the bridge.
abstract contract Vault is Inbox, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    uint256 private constant TRANSFER = 0xa9059cbb; // transfer(address,uint256)
    uint256 private constant MINT = 0x40c10f19; // mint(address,uint256)

    /// @inheritdoc IBridge
    function deposit(
        address token,
        uint256 amount,
        uint64 destination,
        bytes32 recipient,
        address refundTo,
        uint128 maxFee,
        bytes calldata data
    ) external override nonReentrant returns (uint64 nonce) {
        Token storage t = tokens[token];
        uint8 mode = t.mode;
        if (mode == 0 || token == NATIVE) revert UnknownToken();
        refundTo = _checkDeposit(token, destination, recipient, refundTo, data);
        if (mode == MODE_WRAPPED) {
            WrappedToken(token).burn(msg.sender, amount);
        } else {
            // The lock keeps other deposits out of the difference while the token has control.
            uint256 before = IERC20(token).balanceOf(address(this));
            IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
            amount = IERC20(token).balanceOf(address(this)) - before;
        }
        uint128 arrived = _checkAmount(amount, t.minimum);
        return _logDeposited(token, destination, recipient, refundTo, arrived, maxFee, data);
    }

    /// @inheritdoc IBridge
    function depositNative(
        uint64 destination,
        bytes32 recipient,
        address refundTo,
        uint128 maxFee,
        bytes calldata data
    ) external payable override nonReentrant returns (uint64 nonce) {
        Token storage t = tokens[NATIVE];
        if (t.mode == 0) revert UnknownToken();
        refundTo = _checkDeposit(NATIVE, destination, recipient, refundTo, data);
        uint128 arrived = _checkAmount(msg.value, t.minimum);
        return _logDeposited(NATIVE, destination, recipient, refundTo, arrived, maxFee, data);
    }

    /// @inheritdoc IBridge
    function claim(uint64 command, uint32 index, address token, uint128 amount, address to)
        external
        override
        nonReentrant
    {
        uint256 key = _owedKey(command, index);
        // An entry is never zero, so what is not owed cannot be matched.
        if (owed[key] != _debt(token, msg.sender, amount)) revert NotOwed();
        delete owed[key];
        _drainForClaim(token, amount);
        _logClaimed(command, index, token, amount, to);
        _payOrRevert(token, to, amount);
    }

    /// @inheritdoc IBridge
    function withdrawFees(address token, address to) external override nonReentrant returns (uint256 amount) {
        uint256 mine = claimable[msg.sender][token];
        amount = _drain(token, mine);
        if (amount == 0) revert NothingToWithdraw();
        claimable[msg.sender][token] = mine - amount;
        tokens[token].fees -= uint128(amount);
        _payOrRevert(token, to, amount);
    }

    /// @inheritdoc IBridge
    function totalClaimable(address token) external view override returns (uint256) {
        return tokens[token].fees;
    }

    /// @dev Books relay fees. They need no limit here: withdrawing them is what pays.
    function _credit(Token storage t, address relayer, address token, uint256 amount) internal {
        uint256 fees = t.fees + amount;
        // No deposit can have brought as much; crediting nothing is better than standing still.
        if (amount == 0 || fees > type(uint128).max) return;
        t.fees = uint128(fees);
        claimable[relayer][token] += amount;
    }

    /// @dev Pays, giving the payee exactly `gasCap` gas if the caller of this has made sure that
    /// it is there. Never reverts and never copies more than a word of what comes back, so nothing
    /// that a token or a recipient does can stop the caller.
    /// @param selector of the function that pays, as `_payment` has it
    function _pay(uint256 selector, address token, address to, uint256 amount, uint256 gasCap)
        internal
        returns (bool ok)
    {
        bool barred;
        assembly ("memory-safe") {
            // Nobody, the bridge itself, the token itself: one jump in place of three. Shifted, so
            // that nothing but the addresses' own bits counts.
            barred := or(
                iszero(shl(96, to)),
                or(iszero(shl(96, xor(to, address()))), iszero(shl(96, xor(to, token))))
            )
        }
        if (barred) return false;
        assembly ("memory-safe") {
            switch eq(token, NATIVE)
            case 1 { ok := call(gasCap, to, amount, 0, 0, 0, 0) }
            default {
                let p := mload(0x40)
                mstore(p, shl(224, selector))
                mstore(add(p, 4), to)
                mstore(add(p, 36), amount)
                ok := call(gasCap, token, 0, p, 68, 0, 32)
                // Tokens that return nothing are common; code must be there, then.
                switch returndatasize()
                case 0 { ok := and(ok, iszero(iszero(extcodesize(token)))) }
                default { ok := and(ok, and(gt(returndatasize(), 31), eq(mload(0), 1))) }
            }
        }
    }

    function _payOrRevert(address token, address to, uint256 amount) private {
        uint256 mode = tokens[token].mode;
        if (mode == 0) revert UnknownToken();
        if (!_pay(_payment(mode), token, to, amount, gasleft())) revert PaymentFailed();
    }

    /// @dev The function of a token that pays.
    function _payment(uint256 mode) internal pure returns (uint256 selector) {
        return mode == MODE_WRAPPED ? MINT : TRANSFER;
    }

    /// @dev What a token's bucket holds now.
    function _available(Token storage t) internal view returns (uint256 level) {
        if (!t.limited) return type(uint256).max;
        unchecked {
            // 128 + 128 + 64 bits: nothing overflows.
            level = uint256(t.level) + uint256(t.rate) * (block.timestamp - t.updated);
            uint256 capacity = t.capacity;
            if (level > capacity) level = capacity;
        }
    }

    /// @dev Writes what a token's bucket holds after payouts.
    function _setLevel(Token storage t, uint256 level) internal {
        t.level = uint128(level);
        t.updated = uint64(block.timestamp);
    }

    /// @dev Takes `wanted`, or what is there, out of a token's bucket.
    function _drain(address token, uint256 wanted) private returns (uint256 taken) {
        Token storage t = tokens[token];
        if (!t.limited) return wanted;
        uint256 level = _available(t);
        taken = wanted < level ? wanted : level;
        unchecked {
            _setLevel(t, level - taken);
        }
    }

    /// @dev A debt is paid when the bucket holds it. One above the capacity would never be paid so:
    /// it takes a full bucket as a whole.
    function _drainForClaim(address token, uint256 amount) private {
        Token storage t = tokens[token];
        if (!t.limited) return;
        uint256 level = _available(t);
        if (amount > level && level < t.capacity) revert LimitExceeded(level);
        unchecked {
            _setLevel(t, amount < level ? level - amount : 0);
        }
    }

    /// @dev A new limit starts full; a changed one keeps what the old one had let flow back.
    function _setLimit(Token storage t, uint128 minimum, uint128 capacity, uint128 rate) internal {
        uint256 level = _available(t);
        _setLevel(t, level < capacity ? level : capacity);
        t.limited = capacity != 0;
        t.minimum = minimum;
        t.capacity = capacity;
        t.rate = rate;
    }

    function _owedKey(uint64 command, uint256 index) internal pure returns (uint256) {
        return uint256(command) << 32 | index;
    }

    function _debt(address token, address owner, uint256 amount) internal pure returns (bytes32) {
        return keccak256(abi.encode(token, owner, amount));
    }

    function _checkDeposit(
        address token,
        uint64 destination,
        bytes32 recipient,
        address refundTo,
        bytes calldata data
    ) private view returns (address) {
        if (!deposits) revert DepositsOff();
        if (destination == 0 || destination == block.chainid) revert BadDestination();
        if (recipient == 0) revert BadRecipient();
        if (data.length > MAX_DATA) revert DataTooLong();
        if (refundTo == address(0)) return msg.sender;
        // Nothing can ever be paid to these two, nor could they claim.
        if (refundTo == address(this) || refundTo == token) revert BadRefundAddress();
        return refundTo;
    }

    function _checkAmount(uint256 amount, uint256 minimum) private pure returns (uint128) {
        if (amount == 0 || amount < minimum || amount > type(uint128).max) revert BadAmount(amount);
        return uint128(amount);
    }
}
