// Values that the lab sets and the attacks use.

/**
 * A login without an account. The lab plants it (`CANARY_ADDRESSES`), as an operator would in a list that thieves
 * find.
 */
export const LAB_CANARY = 'payroll.archive@example.com'
/** The exits of the lab's VPN (`TRAVEL_VPN_RANGES`): in Singapore. */
export const LAB_VPN_RANGES: readonly string[] = ['203.0.113.224/27', '2001:db8:c000::/34']
/** The egress of the lab (`EGRESS_ADDRESSES`): in Lisbon. No simulated client gets one of its addresses by chance. */
export const LAB_EGRESS_RANGE = '2001:db8:7fff::/48'
