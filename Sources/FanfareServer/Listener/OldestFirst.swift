/// A line of members that leave from anywhere: who stands in it longest is at the front. Everything is O(1), and memory is
/// that of the longest line there was.
struct OldestFirst<Member> {
    private struct Node {
        var member: Member?
        /// Who stands in front, and behind; -1: nobody. Of a free node: `next` is another free one.
        var previous: Int
        var next: Int
    }

    private var nodes: [Node] = []
    private var first = -1
    private var last = -1
    private var free = -1

    /// Who stands in it longest.
    var oldest: Member? { first < 0 ? nil : nodes[first].member }

    /// Joins at the end.
    ///
    /// - Returns: the place, with which to leave.
    mutating func append(_ member: Member) -> Int {
        let node = Node(member: member, previous: last, next: -1)
        var place = free
        if place < 0 {
            place = nodes.count
            nodes.append(node)
        } else {
            free = nodes[place].next
            nodes[place] = node
        }
        if last < 0 { first = place } else { nodes[last].next = place }
        last = place
        return place
    }

    /// Leaves the place that ``append(_:)`` gave.
    mutating func remove(_ place: Int) {
        let node = nodes[place]
        precondition(node.member != nil, "nobody stands there")
        if node.previous < 0 { first = node.next } else { nodes[node.previous].next = node.next }
        if node.next < 0 { last = node.previous } else { nodes[node.next].previous = node.previous }
        nodes[place] = Node(member: nil, previous: -1, next: free)
        free = place
    }
}
