/// A condition that did not come true in time.
public struct NotInTime: Error, CustomStringConvertible {
    public let what: String
    public var description: String { "not in time: \(what)" }

    public init(what: String) { self.what = what }
}

/// How long a test waits for what has to come. Long, since it costs time only in a test that fails, and a machine with
/// hundreds of tests at once is slow; what must not come late has a limit of its own.
public let patience = Duration.seconds(120)

/// Waits for a condition: asks again and again, at first every few milliseconds, and fails with `what`.
public func eventually(
    within limit: Duration = patience, _ what: @autoclosure () -> String,
    _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    var pause = Duration.milliseconds(2)
    while true {
        if try await condition() { return }
        guard ContinuousClock.now < deadline else { throw NotInTime(what: what()) }
        try await Task.sleep(for: pause)
        pause = min(pause * 1.5, .milliseconds(50))
    }
}

/// Runs `body` and fails when it takes longer.
public func within<Value: Sendable>(
    _ limit: Duration, _ what: String, _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await withThrowingTaskGroup(of: Value?.self) { group in
        group.addTask { try await body() }
        group.addTask {
            try await Task.sleep(for: limit)
            return nil
        }
        defer { group.cancelAll() }
        guard let first = try await group.next(), let value = first else { throw NotInTime(what: what) }
        return value
    }
}
