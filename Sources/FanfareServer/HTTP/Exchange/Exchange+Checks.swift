import HTTPTypes

/// What is asked of every request before anybody answers it, in whichever version of HTTP it came.
extension Exchange {
    /// Checks the head, finds out for which host it is and who may read the answer.
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
        return check
    }

    /// Refuses the request where the node is on its way out, but for one of a session that is still there.
    ///
    /// - Returns: whether it goes on.
    func mayComeIn(_ endpoint: any Endpoint) -> Bool {
        !loop.node.isDraining || endpoint.isOfSession(self) || mayBegin()
    }

    /// Refuses the request where the node is on its way out: nothing begins there.
    ///
    /// - Returns: whether it goes on.
    func mayBegin() -> Bool {
        guard loop.node.isDraining else { return true }
        refuse(.draining, .serviceUnavailable, "the node is restarting, try again", retry: true)
        return false
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
