// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {TestToken} from "./TestToken.sol";

// Tokens and recipients that do what real ones have done to bridges, and some that only an
// attacker would write. Each spoils one thing.

/// @dev Moves tokens and returns nothing, as USDT does.
contract SilentToken is TestToken("Silent", "SIL", 6) {
    function transfer(address to, uint256 amount) public override returns (bool) {
        super.transfer(to, amount);
        assembly {
            return(0, 0)
        }
    }

    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        super.transferFrom(from, to, amount);
        assembly {
            return(0, 0)
        }
    }
}

/// @dev Keeps a hundredth of each transfer.
contract FeeToken is TestToken("Fee", "FEE", 18) {
    function _update(address from, address to, uint256 amount) internal override {
        if (from == address(0) || to == address(0)) {
            super._update(from, to, amount);
            return;
        }
        super._update(from, address(0xfee), amount / 100);
        super._update(from, to, amount - amount / 100);
    }
}

/// @dev Says false instead of reverting.
contract FalseToken is TestToken("False", "FLS", 18) {
    function transfer(address, uint256) public pure override returns (bool) {
        return false;
    }
}

/// @dev Returns a word that is neither true nor false.
contract OddToken is TestToken("Odd", "ODD", 18) {
    function transfer(address, uint256) public pure override returns (bool) {
        assembly {
            mstore(0, 2)
            return(0, 32)
        }
    }
}

/// @dev Refuses one address.
contract BlacklistToken is TestToken("Blacklist", "BLK", 6) {
    address public banned;

    function ban(address account) external {
        banned = account;
    }

    function _update(address from, address to, uint256 amount) internal override {
        require(to != banned, "banned");
        super._update(from, to, amount);
    }
}

/// @dev Returns far more than anyone should copy.
contract BombToken is TestToken("Bomb", "BMB", 18) {
    function transfer(address, uint256) public pure override returns (bool) {
        assembly {
            return(0, 98304)
        }
    }
}

/// @dev Burns all gas it is given.
contract HogToken is TestToken("Hog", "HOG", 18) {
    function transfer(address, uint256) public pure override returns (bool) {
        for (uint256 i;; ++i) {}
        return true;
    }
}

/// @dev Fails below a gas threshold without burning what it has: a relayer that could starve a
/// payout would show here.
contract ThresholdToken is TestToken("Threshold", "THR", 18) {
    uint256 public threshold;

    function setThreshold(uint256 gas_) external {
        threshold = gas_;
    }

    function transfer(address to, uint256 amount) public override returns (bool) {
        require(gasleft() >= threshold, "starved");
        return super.transfer(to, amount);
    }
}

/// @dev Makes a call that the test chooses, and remembers how it went.
abstract contract Hook {
    address public target;
    bytes public input;
    uint256 public attempts;
    uint256 public successes;

    function setHook(address target_, bytes calldata input_) external {
        target = target_;
        input = input_;
    }

    function _hook() internal {
        if (target == address(0)) return;
        (bool ok,) = target.call(input);
        ++attempts;
        if (ok) ++successes;
    }
}

/// @dev Calls out before each movement, out and in.
contract ReentrantToken is TestToken("Reentrant", "REE", 18), Hook {
    function transfer(address to, uint256 amount) public override returns (bool) {
        _hook();
        return super.transfer(to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        _hook();
        return super.transferFrom(from, to, amount);
    }
}

/// @dev Calls out when it is paid.
contract ReentrantRecipient is Hook {
    receive() external payable {
        _hook();
    }
}

/// @dev Takes no coin and shouts about it.
contract BombRecipient {
    receive() external payable {
        assembly {
            revert(0, 98304)
        }
    }
}
