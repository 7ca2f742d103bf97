/**
 * Counts the distinct subjects that were recently contained under one name: a detection, or its share for new
 * accounts.
 */
export interface ContainmentCap {
  /**
   * The first `perSource` distinct subjects of a source within `windowMs` share the limit `subjects` with all other
   * sources. Further subjects of that source are admitted only while fewer than `subjects` have been admitted in all,
   * and never take the place of another source. An admitted subject stays admitted.
   */
  admit(
    name: string,
    counted: { subject: string; source: string },
    limits: { subjects: number; perSource: number; windowMs: number },
    now: number,
  ): Promise<boolean>
}
