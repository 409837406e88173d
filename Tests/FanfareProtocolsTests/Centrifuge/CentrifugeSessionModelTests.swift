import FanfareTestKit
import FanfareWire
import NIOCore
import Testing

@testable import FanfareCore
@testable import FanfareProtocols

/// A session under random commands and broker answers, held against a list of rules that is simpler than it.
@Suite("Centrifuge session against a model")
struct CentrifugeSessionModelTests {
    /// What the rules say of one client.
    private struct Model {
        var isConnected = false
        /// Channels in force or asked for, and the id that waits for the broker's answer.
        var channels: [ExactText: UInt32?] = [:]
    }

    private static let names: [ExactText] = ["K", "\u{212A}", "c", "\u{E9}", "bad name", "", "e\u{301}😀"]
    private static let limit = 3

    /// What a client would read of messages: each reply's id, and the method or the error code.
    private func read(_ messages: String) -> String {
        messages.matches(of: /\{"id":(\d+),(?:"error":\{"code":(\d+)|"([a-z_]+)")/)
            .map { "\($0.1) \($0.2.map { "!\($0)" } ?? String($0.3 ?? "?"))" }
            .joined(separator: ", ")
    }

    private func read(_ action: SessionAction) -> String {
        switch action {
        case .none: "none"
        case .send(let body): "reply \(read(body.text))"
        case .refuse(let body): "refuse \(read(body.text))"
        case .subscribe(let channel, _, _, let id): "subscribe \(channel) \(id)"
        case .unsubscribe(let channel, let replies): "unsubscribe \(channel), \(read(replies.text))"
        case .publish(let channel, _, _, let id): "publish \(channel) \(id)"
        case .history(let channel, _, let id): "history \(channel) \(id)"
        case .presence(let channel, let id): "presence \(channel) \(id)"
        case .presenceStats(let channel, let id): "presence_stats \(channel) \(id)"
        case .authenticate(let token, _): "authenticate \(token)"
        case .begin(_, let id): "begin \(id)"
        case .answer, .deliver, .announce, .all, .dropped, .join, .leave, .release, .publishToOthers, .publishOnTerms:
            "no answer to a command"
        case .disconnect(let disconnect, _): "disconnect \(disconnect.code)"
        }
    }

    private func expected(_ command: CentrifugeCommand, _ may: ClientPermissions, _ model: inout Model) -> String {
        let id = command.id
        if case .connect = command.method {
            if model.isConnected { return "disconnect 3501" }
            guard may.mayConnect else { return "refuse \(id) !101" }
            model.isConnected = true
            return "reply \(id) connect"
        }
        guard model.isConnected else { return "disconnect 3501" }
        let isGood = { (name: ExactText) in !name.isEmpty && !name.utf8.contains(0x20) }
        switch command.method {
        case .connect, .pong: return "none"
        case .send: return "disconnect 3508"
        case .ping: return "reply \(id) ping"
        case .subscribe(let request):
            let name = request.channel
            guard isGood(name) else { return "refuse \(id) !107" }
            guard may.maySubscribe else { return "refuse \(id) !103" }
            guard model.channels[name] == nil else { return "refuse \(id) !105" }
            guard model.channels.count < Self.limit else { return "refuse \(id) !106" }
            model.channels[name] = .some(id)
            return "subscribe \(name) \(id)"
        case .unsubscribe(let name):
            guard let asked = model.channels.removeValue(forKey: name) else { return "reply \(id) unsubscribe" }
            return "unsubscribe \(name), " + (asked.map { "\($0) subscribe, " } ?? "") + "\(id) unsubscribe"
        case .publish(let name, _):
            guard isGood(name) else { return "refuse \(id) !107" }
            return may.mayPublish ? "publish \(name) \(id)" : "refuse \(id) !103"
        case .history(let request): return "refuse \(id) \(isGood(request.channel) ? "!108" : "!107")"
        case .presence(let name), .presenceStats(let name): return "refuse \(id) \(isGood(name) ? "!108" : "!107")"
        case .rpc: return "refuse \(id) !108"
        case .refresh, .subRefresh: return "authenticate t"
        }
    }

    private func method(_ random: inout SeededRandom) -> CentrifugeCommand.Method {
        let name = Self.names.randomElement(using: &random) ?? ""
        switch Int.random(in: 0..<24, using: &random) {
        case 0: return .connect(token: nil)
        case 1: return .pong
        case 2: return .ping
        case 3: return .send
        case 4: return .rpc
        case 5: return .presence(channel: name)
        case 6: return .history(channel: name)
        case 7: return .refresh(token: "t")
        case 8..<14: return .subscribe(channel: name)
        case 14..<19: return .unsubscribe(channel: name)
        default: return .publish(channel: name, data: ByteBuffer(string: "1"))
        }
    }

    @Test("random commands and answers get what the rules say", arguments: 0..<200)
    func model(seed: Int) throws {
        var random = SeededRandom(seed: UInt64(seed))
        let may = [ClientPermissions.publish, .publish, .subscribe, .none][seed % 4]
        var session = CentrifugeSession(
            policy: .init(
                nodeName: "n", version: "v", pingSeconds: 25, maxChannelNameBytes: 20,
                maxChannels: Self.limit, permissions: may))
        var model = Model()
        for id in UInt32(1)...200 {
            let waiting = model.channels.filter { $0.value != nil }.sorted { $0.key.string < $1.key.string }
            if let (name, asked) = waiting.randomElement(using: &random), let asked, Bool.random(using: &random) {
                let channel = try ChannelName(name)
                if Bool.random(using: &random) {
                    model.channels[name] = .some(nil)
                    let reply = session.subscribed(channel, id: asked, SubscriptionStart())
                    #expect(read(reply?.text ?? "") == "\(asked) subscribe")
                } else {
                    model.channels[name] = nil
                    #expect(read(session.subscribeFailed(channel, id: asked, .unavailable).text) == "\(asked) !100")
                }
            }
            let command = CentrifugeCommand(id: id, method: id == 3 ? .connect(token: nil) : method(&random))
            let wanted = expected(command, may, &model)
            #expect(read(session.receive(command)) == wanted, "\(command) as number \(id)")
            #expect(session.channelCount == model.channels.count && session.isConnected == model.isConnected)
        }
    }
}
