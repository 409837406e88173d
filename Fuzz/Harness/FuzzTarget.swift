/// One parser, and what must hold for every input.
struct FuzzTarget: Sendable {
    let name: String
    /// Longest input worth trying.
    let maxBytes: Int
    let run: @Sendable (FuzzInput) -> Void

    /// The registry; `make fuzz` runs them in this order.
    static let all = [
        frames, deflate, handshake, requests, http2, origins, commands, protobuf, json, session, tokens, keys, replies,
        answers, envelopes, streams, addresses, namespaces, configuration, api, proxies, events, lines, positions,
        deltas, filters, polls, control, emulation, sockjs, engineio, socketio, messagepack,
        stomp, mqtt, graphql, graphqlmessages,
    ]
}

/// What must hold. The text says what was seen; libFuzzer keeps the input.
func expect(_ holds: Bool, _ what: @autoclosure () -> String, line: UInt = #line) {
    if !holds { fatalError("line \(line): \(what())") }
}
