// What the lab sets, and the attacks on it know.

/** Nobody's login: the lab plants it (`CANARY_ADDRESSES`), as an operator would in a list for thieves to find. */
export const LAB_CANARY = 'payroll.archive@example.com'
/** The exits of the lab's VPN (`TRAVEL_VPN_RANGES`): in Singapore. */
export const LAB_VPN_RANGES: readonly string[] = ['203.0.113.224/27', '2001:db8:c000::/34']
/** The lab's own egress (`EGRESS_ADDRESSES`): in Lisbon. No simulated client gets an address of it by chance. */
export const LAB_EGRESS_RANGE = '2001:db8:7fff::/48'
