import NIOCore
import Testing

@testable import FanfareProtocols

@Suite("MQTT window")
struct MQTTWindowTests {
    private func packet(_ type: MQTTPacketType, _ id: UInt16, _ reason: MQTTReason = .success) -> MQTTAcknowledgement {
        MQTTAcknowledgement(type: type, packetID: id, reason: reason)
    }

    /// A window with messages under way.
    private func window(_ messages: [MQTTQoS], limit: Int = 8, maxBytes: Int = 1_000) -> MQTTWindow {
        var window = MQTTWindow(limit: limit, maxBytes: maxBytes)
        for qos in messages { window.sent(window.nextID, qos, bytes: 100) }
        return window
    }

    @Test("identifiers begin anew behind 65,535, without 0 and without those under way (§2.2.1)")
    func identifiers() {
        var window = MQTTWindow(limit: 8, maxBytes: 1_000, lastID: .max - 1)
        for _ in 0..<3 { window.sent(window.nextID, .atLeastOnce, bytes: 1) }
        #expect(window.messages.map(\.id) == [.max, 1, 2])
        for id: UInt16 in [.max, 2] { #expect(window.acknowledge(packet(.puback, id)) == .taken) }
        // All others once round: 1 stays, and none is given twice.
        var seen = 0
        for _ in 0..<70_000 {
            let id = window.nextID
            window.sent(id, .atLeastOnce, bytes: 1)
            if id > 1, window.acknowledge(packet(.puback, id)) == .taken { seen += 1 }
        }
        #expect(seen == 70_000 && window.messages.map(\.id) == [1] && window.bytes == 1)
    }

    @Test("each acknowledgement against each state: what it ends, what answers it, what is against the rules (§4.3)")
    func acknowledgements() {
        typealias Outcome = MQTTWindow.Outcome
        // QoS 1 has id 1; of QoS 2 one waits for PUBREC (2) and one for PUBCOMP (3); nothing has id 9.
        let expected: [(MQTTPacketType, MQTTReason, [Outcome])] = [
            (.puback, .success, [.taken, .wrong, .wrong, .unknown]),
            (.puback, .quotaExceeded, [.taken, .wrong, .wrong, .unknown]),
            (.puback, .noMatchingSubscribers, [.taken, .wrong, .wrong, .unknown]),
            (
                .pubrec, .success,
                [.wrong, .release(.success), .release(.success), .release(.packetIdentifierNotFound)]
            ),
            (
                .pubrec, .noMatchingSubscribers,
                [.wrong, .release(.success), .release(.success), .release(.packetIdentifierNotFound)]
            ),
            (.pubrec, .quotaExceeded, [.wrong, .taken, .wrong, .release(.packetIdentifierNotFound)]),
            (.pubcomp, .success, [.wrong, .wrong, .taken, .unknown]),
            (.pubcomp, .packetIdentifierNotFound, [.wrong, .wrong, .taken, .unknown]),
        ]
        for (type, reason, outcomes) in expected {
            for (id, outcome) in zip([1, 2, 3, 9] as [UInt16], outcomes) {
                var window = window([.atLeastOnce, .exactlyOnce, .exactlyOnce])
                #expect(window.acknowledge(packet(.pubrec, 3)) == .release(.success))
                #expect(window.bytes == 200)
                #expect(window.acknowledge(packet(type, id, reason)) == outcome, "\(type) \(reason) \(id)")
                #expect(window.messages.count == (outcome == .taken ? 2 : 3))
                #expect(window.bytes == window.messages.reduce(0) { $0 + Int($1.bytes) })
            }
        }
    }

    @Test("a full window has no room, by number and by bytes; what the client has by PUBREC takes no bytes any more")
    func room() {
        #expect(window([.atLeastOnce, .exactlyOnce], limit: 2).hasRoom == false)
        #expect(window([.atLeastOnce, .exactlyOnce], limit: 3).hasRoom)
        var full = window(Array(repeating: .exactlyOnce, count: 3), maxBytes: 250)
        #expect(!full.hasRoom && !full.hasRoomForRead)
        #expect(full.acknowledge(packet(.pubrec, 1)) == .release(.success) && full.hasRoom)
    }

    @Test(
        "while a subscription stands in line, half of the window is kept for it, and it is read for when that is free")
    func line() {
        var window = window(Array(repeating: .atLeastOnce, count: 4))
        window.wait(7)
        window.wait(9)
        #expect(!window.hasRoom && window.hasRoomForRead && window.mayRead)
        #expect(window.beginReading() == 7 && !window.mayRead && window.beginReading() == nil)
        #expect(window.behind == [7, 9])
        #expect(!window.endReading(9) && window.endReading(7))
        #expect(window.behind == [9] && window.mayRead)
        window.sent(window.nextID, .atLeastOnce, bytes: 1)
        #expect(!window.mayRead)
        window.forget(9)
        #expect(window.behind.isEmpty && window.hasRoom)
        #expect(MQTTWindow(limit: 1, maxBytes: 10).quantum == 1)
    }
}
