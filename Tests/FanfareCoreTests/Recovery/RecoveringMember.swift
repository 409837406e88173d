import FanfareWire
import Foundation
import NIOCore

@testable import FanfareCore
@testable import FanfareProtocols

/// A client with its session, which checks everything that it is told against what it knows: each publication of a
/// channel once, in order, from where it was on.
final class RecoveringMember: HubMember {
    typealias Lane = TestLane

    struct Surprise: Error, CustomStringConvertible {
        let description: String
    }

    /// What it knows of a channel.
    struct Knowledge {
        /// Everything up to there has come.
        var offset: UInt64
        var epoch: String
    }

    var membership = HubMembership<RecoveringMember>()
    let wireFormat = WireFormat.centrifugeJSONWebSocket
    private var session: CentrifugeSession
    private let shard: HubShard<RecoveringMember>
    /// By channel, also of channels that it is not in any more.
    private(set) var known: [String: Knowledge]
    /// Channels in force.
    private(set) var live: Set<String> = []
    /// Channels asked for, and whether with a position.
    private(set) var asked: [String: (id: UInt32, since: Knowledge?)] = [:]
    private(set) var surprises: [Surprise] = []
    /// How often it was told that something is missing.
    private(set) var told = 0
    private(set) var recovered = 0
    private var nextID: UInt32 = 1
    private var bytes = ByteBuffer()

    init(shard: HubShard<RecoveringMember>, rules: ChannelRulebook, known: [String: Knowledge]) {
        self.shard = shard
        self.known = known
        let policy = CentrifugeSession.Policy(
            nodeName: "n", version: "v", pingSeconds: nil, maxChannelNameBytes: 20, maxChannels: 9,
            permissions: .publish, channels: rules)
        session = CentrifugeSession(.init(policy), clientID: "c")
        perform(.connect(token: nil))
    }

    func toggle(_ channel: String, recovers: Bool) {
        if live.contains(channel) || asked[channel] != nil {
            live.remove(channel)
            asked[channel] = nil
            perform(.unsubscribe(channel: ExactText(channel)))
            return
        }
        let since = recovers ? known[channel] : nil
        asked[channel] = (nextID, since)
        let position = StreamPosition(offset: since?.offset ?? 0, epoch: since?.epoch ?? "")
        let (name, recover) = (ExactText(channel), since != nil)
        perform(.subscribe(CentrifugeSubscribe(channel: name, recover: recover, position: position)))
    }

    private func perform(_ method: CentrifugeCommand.Method) {
        defer { nextID += 1 }
        switch session.receive(CentrifugeCommand(id: nextID, method: method)) {
        case .send(let body): enqueue(body)
        case .subscribe(let channel, let wish, let selection, let id):
            shard.flush(now: { 0 })
            shard.subscribe(self, to: channel, request: id, wish: wish, selection: selection)
        case .unsubscribe(let channel, let replies):
            shard.unsubscribe(self, from: channel)
            for body in replies { enqueue(body) }
        case let action: surprise("\(action)")
        }
        read()
    }

    func subscribed(_ channel: ChannelName, request: UInt32, _ start: SubscriptionStart) {
        if let body = session.subscribed(channel, id: request, start) { enqueue(body) }
    }

    func subscribeFailed(_ channel: ChannelName, request: UInt32, _ error: BrokerError) {
        enqueue(session.subscribeFailed(channel, id: request, error))
    }

    func unsubscribed(_ channel: ChannelName, request: UInt32, _ reason: UnsubscribeReason) {
        enqueue(session.unsubscribed(channel, reason))
    }

    func sent(_ count: Int, of bytes: ByteBuffer) { surprise("there is no lane") }
    var isBehind: Bool { false }
    func keepNewest(_ frame: SplitFrame, of channel: ChannelName, request: UInt32) {}
    func sent(_ count: Int, of frame: SplitFrame) { surprise("there is no lane") }
    func enqueue(_ frame: SplitFrame) { surprise("there is no lead") }
    func writeLead(of _: Publication, request: UInt32, into lead: inout ByteBuffer) -> Bool {
        surprise("there is no lead")
        return false
    }

    func deliver(_ bytes: ByteBuffer) { enqueue(bytes) }
    private func enqueue(_ body: Body) { enqueue(WebSocketFraming().seal(body)) }
    func enqueue(_ bytes: ByteBuffer) { self.bytes.writeImmutableBuffer(bytes) }

    /// Reads what came.
    func read() {
        while let head: UInt16 = bytes.readInteger() {
            var length = Int(head & 0x7F)
            if length == 126 { length = bytes.readInteger(as: UInt16.self).map(Int.init) ?? 0 }
            guard let text = bytes.readBytes(length: length).map({ Data($0) }),
                let message = (try? JSONSerialization.jsonObject(with: text)) as? [String: Any]
            else { return surprise("a broken frame") }
            if let push = message["push"] as? [String: Any] {
                pushed(push)
            } else {
                replied(message)
            }
        }
        bytes.clear()
    }

    private func pushed(_ push: [String: Any]) {
        guard let channel = push["channel"] as? String else { return surprise("a push without channel") }
        guard let publication = push["pub"] as? [String: Any] else {
            live.remove(channel)
            return
        }
        guard live.contains(channel) else { return surprise("a publication in \(channel), where it is not") }
        take(publication, channel)
    }

    /// A publication's data is its channel and offset.
    private func take(_ publication: [String: Any], _ channel: String) {
        guard let offset = (publication["offset"] as? NSNumber)?.uint64Value,
            publication["data"] as? String == "\(channel) \(offset)", var knowledge = known[channel]
        else { return surprise("\(publication) in \(channel)") }
        guard offset == knowledge.offset + 1 else {
            return surprise("\(channel): \(offset) after \(knowledge.offset)")
        }
        knowledge.offset = offset
        known[channel] = knowledge
    }

    private func replied(_ message: [String: Any]) {
        guard let id = (message["id"] as? NSNumber)?.uint32Value else { return surprise("\(message)") }
        guard let (channel, ask) = asked.first(where: { $0.value.id == id }) else { return }
        guard let result = message["subscribe"] as? [String: Any], let epoch = result["epoch"] as? String,
            let offset = (result["offset"] as? NSNumber)?.uint64Value
        else { return surprise("\(message)") }
        asked[channel] = nil
        live.insert(channel)
        let publications = result["publications"] as? [[String: Any]] ?? []
        if ask.since != nil, result["recovered"] as? Bool == true {
            recovered += 1
            for publication in publications { take(publication, channel) }
            if known[channel]?.offset != offset { surprise("\(channel): recovered to \(offset), not all of it") }
        } else {
            if ask.since != nil { told += 1 }
            if !publications.isEmpty { surprise("\(channel): publications without recovery") }
            known[channel] = Knowledge(offset: offset, epoch: epoch)
        }
    }

    private func surprise(_ text: String) { surprises.append(Surprise(description: text)) }
}
