// Loaded before an app: its clock is off by FAULT_CLOCK_MS from the machine's, as that of a host without time service.
const shiftMs = Number(process.env.FAULT_CLOCK_MS)
const RealDate = Date

class ShiftedDate extends RealDate {
  constructor(...given) {
    if (given.length === 0) super(RealDate.now() + shiftMs)
    else super(...given)
  }
  static now() {
    return RealDate.now() + shiftMs
  }
}

globalThis.Date = ShiftedDate
