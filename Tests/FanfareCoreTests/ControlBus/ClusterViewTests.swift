import FanfareWire
import NIOCore
import Testing

@testable import FanfareCore

@Suite("View of the cluster")
struct ClusterViewTests {
    private func node(_ number: UInt32, _ name: ExactText = "n", at start: UInt64 = 1, seen: UInt64 = 0) throws
        -> ClusterNode
    {
        ClusterNode(
            id: try #require(NodeID(rawValue: number)), name: name, version: "1", startedAt: start, seenAt: seen)
    }

    @Test("nodes come with their announcements, in order of their names, this one among them")
    func nodes() throws {
        var view = ClusterView(own: try node(1, "b"))
        #expect(view.heard(try node(2, "c")) == .new)
        #expect(view.heard(try node(3, "a", seen: 5)) == .new)
        #expect(view.heard(try node(3, "a", seen: 9)) == .known)
        #expect(view.heard(try node(1, "b", seen: 7)) == .own)
        #expect(view.nodes.map(\.name) == ["a", "b", "c"] && view.nodes.map(\.seenAt) == [9, 7, 0])
    }

    @Test("a node is gone when our own announcements come back and its do not; while none comes back nobody is")
    func gone() throws {
        var view = ClusterView(own: try node(1))
        _ = view.heard(try node(2))
        _ = view.heard(try node(3))
        for _ in 0..<ControlBounds.missedAnnouncements {
            #expect(view.cameBack(sentAt: 0).isEmpty)
            #expect(view.heard(try node(3)) == .known)
        }
        #expect(view.cameBack(sentAt: 0).map(\.rawValue) == [2])
        #expect(view.ids.map(\.rawValue).sorted() == [1, 3])
        #expect(view.heard(try node(2)) == .new)
    }

    @Test("a node that is not in view may be there until an announcement later is back, unless it said that it goes")
    func young() throws {
        var view = ClusterView(own: try node(1))
        let (other, stranger) = (try node(2), try #require(NodeID(rawValue: 3)))
        _ = view.heard(other)
        #expect(view.mayHide(stranger) && !view.mayHide(other.id) && !view.mayHide(view.own.id))
        _ = view.left(other.id)
        #expect(!view.mayHide(other.id))
        let (interval, start) = (ControlBounds.announceInterval.microseconds, 7 as UInt64)
        // Hellos of a broker that comes and goes are no two announcements of everybody.
        for sentAt in [start, start, start + 1, start + interval - 1] {
            _ = view.cameBack(sentAt: sentAt)
            #expect(view.mayHide(stranger) && view.isYoung)
        }
        _ = view.cameBack(sentAt: start + interval)
        #expect(!view.isYoung)
        #expect(!view.mayHide(stranger) && !view.mayHide(other.id))
        #expect(!ClusterView(own: try node(1), isAlone: true).mayHide(stranger))
    }

    @Test("a node that says so leaves at once; this one never does")
    func leaves() throws {
        let own = try node(1)
        var view = ClusterView(own: own)
        let other = try node(2)
        _ = view.heard(other)
        let left = [view.left(other.id), view.left(other.id), view.left(own.id)]
        #expect(left == [true, false, false] && view.count == 1)
    }

    @Test("another node with our id is told apart from us")
    func conflict() throws {
        var view = ClusterView(own: try node(1, "a", at: 1))
        #expect(view.heard(try node(1, "a", at: 2)) == .conflict)
        #expect(view.heard(try node(1, "b", at: 1)) == .conflict)
        #expect(view.count == 1)
    }

    @Test("made-up nodes fill nothing beyond the bound, and hinder no node that is known")
    func bound() throws {
        var view = ClusterView(own: try node(0))
        for number in 1..<UInt32(ControlBounds.nodes) { #expect(view.heard(try node(number)) == .new) }
        #expect(view.heard(try node(5_000)) == .refused)
        #expect(view.heard(try node(7)) == .known)
    }

    @Test("an announcement says name, version and start; a later one may say more")
    func fields() throws {
        let own = try node(1, "a", at: 3)
        var fields = own.fields
        fields[999] = ByteBuffer(string: "later")
        #expect(ClusterNode(id: own.id, fields, now: 8)?.isSame(as: own) == true)
        #expect(ClusterNode(id: own.id, fields, now: 8)?.seenAt == 8)
        fields[text: 1] = ExactText(String(repeating: "n", count: 256))
        #expect(ClusterNode(id: own.id, fields, now: 8) == nil)
        fields[1] = nil
        #expect(ClusterNode(id: own.id, fields, now: 8) == nil)
        fields[1] = ByteBuffer(bytes: [0xFF])
        #expect(ClusterNode(id: own.id, fields, now: 8) == nil)
    }
}
