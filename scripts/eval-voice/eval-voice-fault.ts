/** A fault whose sentence tells the reader what to do; it is shown without a stack, and the script exits with 1. */
export class EvalVoiceFault extends Error {}
