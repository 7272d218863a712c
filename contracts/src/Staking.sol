// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IBridge} from "./IBridge.sol";
import {IStaking} from "./IStaking.sol";

/// @title The validators' stake, on the network's home chain
/// @notice Reports to one bridge what operators stake and ask back, and obeys that bridge alone: no
/// owner, no proxy, no initialiser. Stake goes staked, then unbonding, then withdrawable; slashes
/// cut the first two.
/// @dev The token is meant to be an ordinary ERC-20 without hooks, which moves exactly what it is
/// told to. One that does not can rob those who staked it, but neither the bridge nor its order.
contract Staking is IStaking, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// @dev Two slots.
    struct Account {
        uint128 staked;
        uint128 withdrawable;
        uint64 first; // number of the oldest open request
        uint64 open; // how many follow from there, with it
    }

    /// @dev Two slots, of which a slash changes the first.
    struct Request {
        uint128 left; // what slashes left of it
        uint64 ripe; // not released before, in seconds of the chain's clock
        uint128 asked; // what the network was told, less what it has released
    }

    /// @notice Most open requests of an operator. A slash cuts each.
    uint64 public constant MAX_REQUESTS = 16;
    /// @notice Longest time of unbonding, in seconds.
    uint64 public constant MAX_UNBONDING = 365 days;

    uint256 private constant FRACTION_UNIT = 1_000_000;

    /// @notice What is staked.
    IERC20 public immutable token;
    /// @notice To whom this contract reports, and whom it obeys.
    IBridge public immutable bridge;
    /// @notice Seconds from a request to its release, at least. The network may take longer.
    uint64 public immutable unbonding;
    /// @notice Least stake of an operator that has any, unless slashes brought it lower.
    uint128 public immutable minimum;

    /// @notice What an operator has here.
    mapping(address operator => Account) public accounts;
    mapping(address operator => mapping(uint64 number => Request)) private _requests;

    /// @notice What slashes took. It stays here for ever, out of everybody's reach: sending it to
    /// where nobody has a key would come to the same, and give the token a say in every slash.
    uint256 public slashed;

    event Released(address indexed operator, uint128 amount);
    event Slashed(address indexed operator, uint128 staked, uint256 unbonding);
    event Withdrawn(address indexed operator, address to, uint128 amount);

    error BadAmount(uint256 amount);
    error BadBridge();
    error BadMinimum();
    error BadRecipient();
    error BadToken();
    error BadUnbonding();
    error BelowMinimum(uint256 left);
    error NotConnected();
    error NothingToWithdraw();
    error NotRipe(uint64 ripe);
    error OnlyBridge();
    error TooManyRequests();

    modifier onlyBridge() {
        if (msg.sender != address(bridge)) revert OnlyBridge();
        _;
    }

    /// @param token_ what is staked
    /// @param bridge_ where the bridge is, or will be: its constructor wants this contract's address.
    /// If another contract comes to be there, nothing can ever be staked here
    /// @param unbonding_ seconds from a request to its release, at least
    /// @param minimum_ the least stake of an operator
    constructor(IERC20 token_, IBridge bridge_, uint64 unbonding_, uint128 minimum_) {
        if (address(token_).code.length == 0) revert BadToken();
        if (address(bridge_) == address(0) || address(bridge_) == address(token_)) revert BadBridge();
        if (unbonding_ > MAX_UNBONDING) revert BadUnbonding();
        if (minimum_ == 0) revert BadMinimum();
        token = token_;
        bridge = bridge_;
        unbonding = unbonding_;
        minimum = minimum_;
    }

    /// @notice Adds to the caller's stake. What arrives counts, not what was asked for.
    /// @param amount how much to take from the caller
    /// @param data for the network, at most 1,024 bytes: a registration, or nothing to add to a stake
    function stake(uint256 amount, bytes calldata data) external nonReentrant {
        // Whoever put the bridge there proves it before the first token comes in.
        if (address(bridge).code.length == 0 || bridge.staking() != address(this)) revert NotConnected();
        uint256 before = token.balanceOf(address(this));
        token.safeTransferFrom(msg.sender, address(this), amount);
        amount = token.balanceOf(address(this)) - before;
        // Read after the token had control: it may have had this operator slashed.
        uint256 staked = accounts[msg.sender].staked + amount;
        if (amount == 0 || staked > type(uint128).max) revert BadAmount(amount);
        if (staked < minimum) revert BelowMinimum(staked);
        accounts[msg.sender].staked = uint128(staked);
        bridge.noteStaked(msg.sender, uint128(amount), data);
    }

    /// @notice Asks a part of the caller's stake back. It stays here, and can be slashed, until the
    /// network releases it.
    /// @param amount how much; what remains is nothing, or at least the minimum
    function requestUnstake(uint128 amount) external nonReentrant {
        Account storage account = accounts[msg.sender];
        if (amount == 0 || amount > account.staked) revert BadAmount(amount);
        uint128 rest = account.staked - amount;
        if (rest != 0 && rest < minimum) revert BelowMinimum(rest);
        if (account.open == MAX_REQUESTS) revert TooManyRequests();
        account.staked = rest;
        _requests[msg.sender][account.first + account.open++] =
            Request({left: amount, ripe: uint64(block.timestamp) + unbonding, asked: amount});
        bridge.noteUnstaked(msg.sender, amount);
    }

    /// @notice Pays the caller what was released.
    /// @param to where to pay
    /// @return amount what was paid
    function withdraw(address to) external nonReentrant returns (uint128 amount) {
        if (to == address(0) || to == address(this)) revert BadRecipient();
        amount = accounts[msg.sender].withdrawable;
        if (amount == 0) revert NothingToWithdraw();
        accounts[msg.sender].withdrawable = 0;
        emit Withdrawn(msg.sender, to, amount);
        token.safeTransfer(to, amount);
    }

    // What the bridge calls is not locked: else whoever makes the token call out could execute a
    // slash in the middle of staking, where it would fail and be over. Neither of the two calls the
    // token, so neither can fail because of it.

    /// @inheritdoc IStaking
    /// @dev The oldest requests first. If the next one is not ripe, nothing is released and the
    /// network hears so. What is beyond all requests is ignored.
    function release(address operator, uint128 amount) external override onlyBridge {
        Account storage account = accounts[operator];
        uint64 number = account.first;
        uint64 end = number + account.open;
        uint128 released;
        for (; amount != 0 && number != end; ++number) {
            Request storage request = _requests[operator][number];
            if (block.timestamp < request.ripe) revert NotRipe(request.ripe);
            (uint128 left, uint128 asked) = (request.left, request.asked);
            if (amount < asked) {
                uint128 part = uint128(uint256(left) * amount / asked);
                request.left = left - part;
                request.asked = asked - amount;
                released += part;
                break;
            }
            delete _requests[operator][number];
            released += left;
            amount -= asked;
        }
        account.first = number;
        account.open = end - number;
        account.withdrawable += released;
        emit Released(operator, released);
    }

    /// @inheritdoc IStaking
    /// @dev Each part is cut by itself, rounded up. What was released is its owner's and is not cut.
    function slash(address operator, uint32 fraction) external override onlyBridge {
        Account storage account = accounts[operator];
        uint128 cut = _cut(account.staked, fraction);
        account.staked -= cut;
        // Of all requests together, which a token that lies can bring above 128 bits.
        uint256 unbondingCut;
        for (uint64 i; i < account.open; ++i) {
            Request storage request = _requests[operator][account.first + i];
            uint128 part = _cut(request.left, fraction);
            request.left -= part;
            unbondingCut += part;
        }
        slashed += cut + unbondingCut;
        emit Slashed(operator, cut, unbondingCut);
        // Even of nothing: the network finds one report before the receipt of each slash.
        bridge.noteUnstaked(operator, cut);
    }

    /// @notice The open requests of an operator, the oldest first.
    /// @param operator whose
    /// @return list of them, with what is left of each
    function requests(address operator) external view returns (Request[] memory list) {
        Account storage account = accounts[operator];
        list = new Request[](account.open);
        for (uint64 i; i < account.open; ++i) {
            list[i] = _requests[operator][account.first + i];
        }
    }

    function _cut(uint128 amount, uint256 fraction) private pure returns (uint128) {
        return uint128((amount * fraction + FRACTION_UNIT - 1) / FRACTION_UNIT);
    }
}
