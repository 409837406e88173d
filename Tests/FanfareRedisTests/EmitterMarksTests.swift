import FanfareTestKit
import Testing

@testable import FanfareRedis

@Suite("Marks of emitters")
struct EmitterMarksTests {
    /// What one node does.
    private struct Listener {
        var marks = EmitterMarks()

        mutating func hear(_ message: String) -> String? {
            var message = message
            return message.withUTF8 { bytes in
                "socketio".withCString { name in
                    marks.name(UnsafeRawBufferPointer(start: name, count: 8), UnsafeRawBufferPointer(bytes))
                }
            }
        }
    }

    @Test("nodes that heard the same mark give a message the same name, and the next one another")
    func names() {
        var (first, second) = (Listener(), Listener())
        #expect(first.hear("a") == nil)
        for message in ["a", "b", "a", "a"] {
            if message == "a", first.marks.wantsMark {
                first.marks.heard("m")
                second.marks.heard("m")
            }
            #expect(first.hear(message) == second.hear(message) && first.marks.isMarked)
        }
        #expect(first.hear("a") != second.hear("b"))
        second.marks.lost()
        #expect(second.hear("a") == nil)
    }

    @Test("whatever nodes hear and miss, two messages never have one name, and one never two")
    func model() {
        var random = SeededRandom(seed: 7)
        var (listeners, marks) = ([Listener(), Listener(), Listener()], 0)
        /// Names, by the number of the message.
        var known: [String: Int] = [:]
        for number in 0..<5_000 {
            if random.next() % 50 == 0 {
                marks += 1
                for index in listeners.indices { listeners[index].marks.heard("\(marks)") }
            }
            let message = "\(random.next() % 5)"
            var names: Set<String> = []
            for index in listeners.indices {
                // One that was away has heard nothing until the next mark.
                if random.next() % 40 == 0 {
                    listeners[index].marks.lost()
                } else if let name = listeners[index].hear(message) {
                    names.insert(name)
                }
            }
            #expect(names.count <= 1)
            for name in names { #expect(known.updateValue(number, forKey: name) == nil) }
        }
    }

    @Test("what is counted is bounded, and a new mark is wanted long before")
    func bounds() {
        var listener = Listener()
        listener.marks.heard("m")
        for number in 0..<EmitterMarks.wanted { _ = listener.hear("\(number)") }
        #expect(listener.marks.wantsMark)
        for number in EmitterMarks.wanted..<EmitterMarks.maximum { #expect(listener.hear("\(number)") != nil) }
        #expect(listener.hear("one more") == nil && listener.hear("1") != nil)
    }

    @Test("a mark says who made it, and so does a farewell; anything else is none")
    func makers() {
        func node(_ text: String) -> UInt32? {
            var text = text
            return text.withUTF8 { EmitterMarks.node(of: UnsafeRawBufferPointer($0)) }
        }
        let mark = EmitterMarks.make((1 << 26) - 1)
        #expect(node(mark) == (1 << 26) - 1 && mark.utf8.count <= EmitterMarks.bytes && mark.last != ".")
        #expect(node(EmitterMarks.farewell(35)) == 35)
        for text in ["", ".", "a", "-1.b", "a b.c", String(repeating: "1", count: 40) + ".a", "zzzzzzzz.a"] {
            #expect(node(text) == nil, "\(text)")
        }
    }

    @Test("the three nodes with the lowest ids that make marks publish, until they are silent or gone")
    func peers() {
        var peers = EmitterPeers(own: 10, lifetime: 100)
        for node in [11, 12, 13, 1, 2] as [UInt32] { peers.heard(node, now: 0) }
        #expect(peers.publishes)
        peers.heard(3, now: 50)
        #expect(!peers.publishes)
        peers.left(2)
        #expect(peers.publishes)
        peers.heard(2, now: 60)
        peers.expire(now: 90)
        #expect(!peers.publishes)
        peers.expire(now: 101)
        #expect(peers.publishes)
        var crowded = EmitterPeers(own: .max, lifetime: 100)
        for node in 0..<1_000 as Range<UInt32> { crowded.heard(node, now: 0) }
        crowded.heard(63, now: 50)
        crowded.heard(999, now: 50)
        crowded.expire(now: 101)
        #expect(crowded.publishes)
    }
}
