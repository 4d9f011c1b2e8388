/** Stands in the message of the error: it is all of an error that crosses from an object to the Worker. */
export const RECORD_UNREADABLE = "record-unreadable";
