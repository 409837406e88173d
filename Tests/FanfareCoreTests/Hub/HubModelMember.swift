import FanfareProtocols
import FanfareWire
import NIOCore

@testable import FanfareCore

/// A client of the hub that keeps the numbers that it gets, by channel and lead.
final class HubModelMember: HubMember {
    typealias Lane = TestLane

    struct Answer: Equatable {
        let channel: Int
        let request: UInt32
        let isConfirmed: Bool

        init(_ channel: Int, _ request: UInt32, _ isConfirmed: Bool) {
            (self.channel, self.request, self.isConfirmed) = (channel, request, isConfirmed)
        }
    }

    let id: Int
    let clientID = ClientID.make(node: .random(), loop: 0)
    let wireFormat: WireFormat
    var membership = HubMembership<HubModelMember>()
    var answers: [Answer] = []
    /// Writes of this turn, each as the hub gave it.
    private var writes: [ByteBuffer] = []
    private var gathered: ByteBuffer?
    /// Its lane of this turn, and what that did not take.
    var lane: TestLane?
    private var rest: [UInt8] = []
    var onBroken: (() -> Void)?
    /// Runs with the next write, and with the next answer: the client breaks there.
    var onWrite: (() -> Void)?
    var onAnswer: (() -> Void)?

    init(_ id: Int, _ format: WireFormat) { (self.id, wireFormat) = (id, format) }

    deinit { precondition(membership.count == 0, "the hub let go of a client that is still in it") }

    var isBehind: Bool { false }
    func keepNewest(_ frame: SplitFrame, of channel: ChannelName, request: UInt32) {}
    func enqueue(_ frame: SplitFrame) { enqueue(frame.joined) }
    func sent(_ count: Int, of frame: SplitFrame) { sent(count, of: frame.joined) }

    func deliver(_ bytes: ByteBuffer) {
        writes.append(bytes)
        wrote()
    }

    func sent(_ count: Int, of bytes: ByteBuffer) {
        if count < 0 {
            onBroken?()
        } else {
            rest += bytes.readableBytesView.dropFirst(count)
            wrote()
        }
    }

    func enqueue(_ bytes: ByteBuffer) {
        if gathered == nil { gathered = bytes } else { gathered?.writeImmutableBuffer(bytes) }
        wrote()
    }

    /// The next number of each subscription with written leads, and the next to be heard.
    private var written: [HubModel.Ear: Int] = [:]
    private var numbered: [HubModel.Ear: Int] = [:]

    /// `#request/number:`.
    func writeLead(of publication: Publication, request: UInt32, into lead: inout ByteBuffer) -> Bool {
        let ear = HubModel.Ear(channel: HubModelRun.number(of: publication.channel), request: request)
        lead.writeString("#\(request)/\(written[ear, default: 0]):")
        written[ear, default: 0] += 1
        return true
    }

    private func wrote() {
        let action = onWrite
        onWrite = nil
        action?()
    }

    func subscribed(_ channel: ChannelName, request: UInt32, _ start: SubscriptionStart) {
        answered(channel, request, true)
    }

    func unsubscribed(_ channel: ChannelName, request: UInt32, _ reason: UnsubscribeReason) {}

    func subscribeFailed(_ channel: ChannelName, request: UInt32, _ error: BrokerError) {
        answered(channel, request, false)
    }

    private func answered(_ channel: ChannelName, _ request: UInt32, _ isConfirmed: Bool) {
        answers.append(Answer(HubModelRun.number(of: channel), request, isConfirmed))
        let action = onAnswer
        onAnswer = nil
        action?()
    }

    /// Ends the turn: how many writes it took, and what was in them.
    func endTick() -> (writes: Int, heard: HubModel.Heard) {
        if let gathered { writes.append(gathered) }
        if let taken = lane?.taken, !taken.isEmpty || !rest.isEmpty { writes.append(ByteBuffer(bytes: taken + rest)) }
        defer { (writes, gathered, lane, rest) = ([], nil, nil, []) }
        var heard: HubModel.Heard = [:]
        for write in writes { read(write, into: &heard) }
        return (writes.count, heard)
    }

    /// A payload is the channel's digit and six more, and stands right before what closes the message. A lead is the request
    /// between `#` and `:`, and for some the number of the delivery behind a `/`.
    private func read(_ bytes: ByteBuffer, into heard: inout HubModel.Heard) {
        var bytes = bytes
        while bytes.readInteger(as: UInt8.self) == 0x81, let length = bytes.readInteger(as: UInt8.self),
            let text = bytes.readString(length: Int(length))
        {
            let lead = text.first == "#" ? text.dropFirst().prefix { $0 != ":" }.split(separator: "/") : []
            let value = Int(text.dropLast(text.first == "{" ? 3 : 0).suffix(7)) ?? -1
            let ear = HubModel.Ear(channel: value / 1_000_000, request: lead.first.flatMap { UInt32($0) })
            heard[ear, default: []].append(value % 1_000_000)
            guard lead.count == 2 else { continue }
            // In the order in which they were given.
            if Int(lead[1]) != numbered[ear, default: 0] { heard[.init(channel: -2, request: ear.request)] = [value] }
            numbered[ear, default: 0] += 1
        }
        if bytes.readableBytes > 0 { heard[.init(channel: -1, request: nil)] = [bytes.readableBytes] }
    }
}
