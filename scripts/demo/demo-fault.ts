/** A fault whose sentence tells the reader what to do; it is shown without a stack, and the demo exits with 1. */
export class DemoFault extends Error {}
