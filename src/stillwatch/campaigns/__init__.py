"""From suspects to campaigns: judged in bits, selected, told apart, explained."""
