export class AdminError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}
