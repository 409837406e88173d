import Testing

@testable import FanfareServer

@Suite("A client's life")
struct ClientLifeTests {
    private enum Event: CaseIterable {
        case begin, close, farewellWritten, lose, finish
    }

    /// What was seen while events happened.
    private struct Seen {
        var (begun, sessionEnds, finished) = (0, 0, 0)
        /// What the farewell asked for.
        var farewell: AfterLastBytes?

        /// Lets something happen, and checks what it may come to.
        mutating func happen(_ event: Event, to life: inout ClientLife, then: AfterLastBytes) {
            let before = life.phase
            switch event {
            case .begin:
                let begins = life.begin()
                #expect(begins == (before == .opening))
                if begins { begun += 1 }
            case .close:
                let closes = life.close(then: then)
                #expect(closes == (before == .open), "what has ended says no other farewell")
                if closes { (sessionEnds, farewell) = (sessionEnds + 1, then) }
            case .farewellWritten:
                #expect(life.farewellWritten() == (before == .closing ? farewell ?? .closeSocket : nil))
            case .lose:
                let (hadConnection, hadSession) = life.lose()
                #expect(hadSession == (before == .open) && hadConnection == (before == .open || before == .closing))
                if hadSession { sessionEnds += 1 }
            case .finish:
                let phase = life.finish()
                #expect(phase == (before == .ended ? nil : before), "the way out is taken once")
                if phase != nil { finished += 1 }
                if phase == .open { sessionEnds += 1 }
                #expect(life.phase == .ended)
            }
            #expect(Self.order(before) <= Self.order(life.phase), "from \(before) back to \(life.phase)")
        }

        private static func order(_ phase: ClientLife.Phase) -> Int {
            switch phase {
            case .opening: 0
            case .open: 1
            case .closing: 2
            case .ended: 3
            }
        }
    }

    /// All sequences of so many events.
    private static func sequences(_ count: Int) -> [[Event]] {
        (0..<count).reduce([[]]) { sequences, _ in sequences.flatMap { one in Event.allCases.map { one + [$0] } } }
    }

    @Test(
        "in whatever order things happen, a session that began ends once, the way out is taken once, and nothing goes back",
        arguments: [AfterLastBytes.awaitPeer, .endOutput, .closeSocket])
    func orders(then: AfterLastBytes) {
        for events in Self.sequences(5) {
            var (life, seen) = (ClientLife(), Seen())
            for event in events { seen.happen(event, to: &life, then: then) }
            #expect(seen.begun <= 1 && seen.sessionEnds <= seen.begun && seen.finished <= 1, "\(events)")
            // However far it came, the way out ends what is left.
            seen.happen(.finish, to: &life, then: then)
            #expect(seen.finished == 1 && seen.sessionEnds == seen.begun, "\(events)")
        }
    }

    @Test("whose request gets no answer has no session, and nothing that could be lost")
    func opening() {
        var life = ClientLife()
        let (hadConnection, hadSession) = life.lose()
        #expect(!hadConnection && !hadSession && life.phase == .opening)
        #expect(!life.close(then: .awaitPeer) && life.farewellWritten() == nil)
        #expect(life.finish() == .opening && !life.begin())
    }
}
