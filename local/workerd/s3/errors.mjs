// S3 errors with R2's codes and statuses (developers.cloudflare.com/r2/api/error-codes).
export class S3Error extends Error {
  constructor(status, code, message, details = {}) {
    super(message);
    this.status = status;
    this.code = code;
    // Further XML elements, e.g. what was signed.
    this.details = details;
  }
}

export const accessDenied = (message = "Access Denied") =>
  new S3Error(403, "AccessDenied", message);
export const invalidArgument = (message) => new S3Error(400, "InvalidArgument", message);
export const invalidRequest = (message) => new S3Error(400, "InvalidRequest", message);
export const badDigest = (message) => new S3Error(400, "BadDigest", message);
export const preconditionFailed = () =>
  new S3Error(
    412,
    "PreconditionFailed",
    "At least one of the pre-conditions you specified did not hold.",
  );
export const notImplemented = (what) =>
  new S3Error(501, "NotImplemented", `${what} not implemented`);
export const noSuchKey = () => new S3Error(404, "NoSuchKey", "The specified key does not exist.");
