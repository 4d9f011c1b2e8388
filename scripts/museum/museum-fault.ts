/** A reason to end the museum that its sentence explains; a stack would only hide it. */
export class MuseumFault extends Error {}
