import FanfareCore
import FanfareProtocols
import FanfareWire
import NIOCore

@testable import FanfareServer

extension FuzzTarget {
    /// Bodies of the server API: every answer is JSON, and says with its status whether it worked.
    static let api = FuzzTarget(name: "api", maxBytes: 1_024) { input in
        var input = input
        let choice = input.pick(6)
        let body = input.buffer
        let answer = blocking { () async -> APIAnswer in
            let api = APIBench.shared.api
            switch choice {
            case 0: return await api.publish(body)
            case 1: return await api.broadcast(body)
            case 2: return await api.history(body)
            case 3: return await api.historyRemove(body)
            case 4: return await api.presence(body)
            default: return await api.presenceStats(body)
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
                broker: broker, brokerName: "memory", isDraining: { false }, isAccepting: { true },
                now: { 1_700_000_000_000_000 }))
    }
}
