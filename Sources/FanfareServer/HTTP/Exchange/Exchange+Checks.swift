import HTTPTypes

/// What is asked of every request before anybody answers it, in whichever version of HTTP it came.
extension Exchange {
    /// Checks the head, finds out for which host it is and who may read the answer, and whether the node takes requests.
    ///
    /// - Parameter values: the values of a field of the head.
    /// - Returns: `nil`: it is refused.
    func check(
        version: (major: Int, minor: Int), target: String, values: (String) -> [String]
    ) -> RequestCheck? {
        let check: RequestCheck
        do throws(RequestCheck.Refusal) {
            check = try RequestCheck(version: version, target: target, values: values)
        } catch {
            refuse(.badRequest, HTTPResponse.Status(code: error.status), error.message)
            return nil
        }
        host = check.host
        judgePage()
        guard !loop.node.isDraining else {
            refuse(.draining, .serviceUnavailable, "the node is restarting, try again", retry: true)
            return nil
        }
        return check
    }

    /// Most bytes of its body; `nil`: it is refused, for a body that is kept must not be compressed.
    func bodyLimit(_ use: BodyUse, _ check: RequestCheck) -> Int? {
        guard case .kept(let limit) = use else { return limits.maxMessageBytes }
        guard !check.isCompressed else {
            refuse(.badRequest, .unsupportedMediaType, "the body must not be compressed")
            return nil
        }
        return limit
    }
}
