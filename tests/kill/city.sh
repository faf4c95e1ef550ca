# city.sh - sourced after common.sh: a city with a district for each agent, four towns each, settled for the kill loops.
#   districts N : agents agent1 ... agentN, district D1 ..., towns t1x1 ... t1x4, t2x1 ...; sets `pairs` for kill-loop
export SUANPAN_AHEAD=$ahead
districts() {
    local n names=() x
    for n in $(seq "$1"); do names+=("agent$n"); done
    city "${names[@]}"
    { echo code,parent,level,name_zh
      echo C,,city,小城
      for n in $(seq "$1"); do
          echo "D$n,C,district,第${n}区"
          for x in 1 2 3 4; do echo "t${n}x$x,D$n,town,第${n}区第${x}镇"; done
      done; } >catalogue/units.csv
    { echo agent,scope,pub,status
      for n in $(seq "$1"); do echo "agent$n,D$n,keys/agent$n.pub,active"; done; } >agents.csv
    pairs=()
    for n in $(seq "$1"); do
        echo '    settle_seconds: 0' >>"agent$n.yaml"
        pairs+=("agent$n:t${n}x")
    done
}
