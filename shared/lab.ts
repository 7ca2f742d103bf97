/** Nobody's login: the lab plants it (`CANARY_ADDRESSES`), as an operator would in a list for thieves to find. */
export const LAB_CANARY = 'payroll.archive@example.com'
