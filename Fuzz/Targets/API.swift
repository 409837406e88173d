import FanfareCore
import FanfareProtocols
import FanfareWire
import NIOCore

@testable import FanfareServer

extension FuzzTarget {
    /// Bodies of the server API: every answer is JSON, and says with its status whether it worked.
    static let api = FuzzTarget(name: "api", maxBytes: 1_024) { input in
        var input = input
        let choice = input.pick(10)
        let body = input.buffer
        let answer = blocking { () async -> APIAnswer in
            let api = APIBench.shared.api
            switch choice {
            case 0: return await api.publish(body)
            case 1: return await api.broadcast(body)
            case 2: return await api.history(body)
            case 3: return await api.historyRemove(body)
            case 4: return await api.presence(body)
            case 5: return await api.presenceStats(body)
            case 6: return await api.subscribe(body)
            case 7: return await api.unsubscribe(body)
            case 8: return await api.disconnect(body)
            default: return await api.refresh(body)
            }
        }
        expect([200, 400, 413].contains(answer.status), "status \(answer.status)")
        expect(answer.status == 200 || answer.hasError, "status \(answer.status) without an error")
        expect(JSONLine(answer.body)?.bytes == answer.body, "not JSON in one line: \(String(buffer: answer.body))")
        if answer.status == 200 {
            let isJSON = ReferenceJSON.isValid(body.readableBytesView)
            expect(isJSON, "a body that is no JSON was taken")
        }
    }
}

private struct APIBench: Sendable {
    static let shared = APIBench()
    let api: ServerAPI

    private init() {
        let metrics = NodeMetrics(loops: 1)
        var rules = ChannelRules()
        rules.history = ChannelRules.Retention(size: 3, age: .seconds(60))
        rules.presence = true
        let book = ChannelRulebook(plain: rules)
        let broker = MemoryBroker(rules: book, formats: FormatTable(), metrics: metrics.broker)
        broker.start(receivers: [])
        api = ServerAPI(
            context: AdminContext(
                nodeName: "n", version: "1", metrics: metrics, limits: Limits(), channels: book, keepAlive: KeepAlive(),
                command: { command, target, completion in
                    // What a backend wants reaches the other nodes as it is.
                    let (name, fields, bytes) = CommandMessage.write(command, target)
                    let read = CommandMessage.read(name, fields, bytes)
                    expect(read?.target == target, "another target")
                    switch (command, read?.command) {
                    // Without words of its own it has those of the table.
                    case (.disconnect(let one, _, let two), .disconnect(let three, _, let four)?):
                        expect(one == three && two == four, "another end")
                    case (_, let other): expect(other == command, "\(command) became another")
                    }
                    completion(.success(CommandRelay.Outcome()))
                }, broker: broker, brokerName: "memory", isDraining: { false }, isAccepting: { true },
                now: { 1_700_000_000_000_000 }))
    }
}
