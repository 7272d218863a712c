// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBridge} from "../IBridge.sol";
import {IStaking} from "../IStaking.sol";

/// @title A staking contract that holds nothing
contract MockStaking is IStaking {
    /// @notice The bridge to report to.
    IBridge public bridge;
    /// @notice Stake of each operator.
    mapping(address => uint128) public stakeOf;
    /// @notice What was released to each operator.
    mapping(address => uint128) public releasedOf;
    /// @notice Whether the bridge's calls revert.
    bool public broken;
    /// @notice Whether they burn all their gas.
    bool public hungry;

    /// @notice Names the bridge.
    function setBridge(IBridge bridge_) external {
        bridge = bridge_;
    }

    /// @notice Makes the bridge's calls fail, in one of two ways.
    function setBehaviour(bool broken_, bool hungry_) external {
        broken = broken_;
        hungry = hungry_;
    }

    /// @notice Reports a stake.
    function stake(address operator, uint128 amount, bytes calldata data) external {
        stakeOf[operator] += amount;
        bridge.noteStaked(operator, amount, data);
    }

    /// @notice Reports a withdrawal.
    function unstake(address operator, uint128 amount) external {
        stakeOf[operator] -= amount;
        bridge.noteUnstaked(operator, amount);
    }

    /// @inheritdoc IStaking
    function slash(address operator, uint32 fraction) external override onlyBridge {
        uint128 cut = uint128(uint256(stakeOf[operator]) * fraction / 1_000_000);
        stakeOf[operator] -= cut;
        bridge.noteUnstaked(operator, cut);
    }

    /// @inheritdoc IStaking
    function release(address operator, uint128 amount) external override onlyBridge {
        releasedOf[operator] += amount;
    }

    modifier onlyBridge() {
        require(msg.sender == address(bridge) && !broken);
        while (hungry) {}
        _;
    }
}
