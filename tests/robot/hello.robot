*** Settings ***
Documentation     Console, memory, and what is not right.
Library           sim.robot
Test Teardown     Stop Board

*** Test Cases ***
The Console Is Heard
    Start Board                     app=hello
    Wait For Console                x=1.005    within=1 s
    ${seen} =                       Wait For Console    sin\\(x\\)=0\\.\\d+    regexp=True
    Should Start With               ${seen}    sin(x)=0.
    Console Should Contain          x=0.000
    Run For                         0.1
    ${magic} =                      Read Memory    boardless_mailbox    4
    Should Be Equal As Strings      ${magic}    BLM1
    Write Memory                    boardless_mailbox    ${magic}

Decisions In Their Order
    Start Board                     app=hello
    Wait For Decision
    Wait For Decision
    ${second} =                     Wait For Decision
    Should Be Equal As Integers     ${second.number}    2
    Decisions Should Be             negative    positive    positive
    No Decision Should Come         label=none    within=100 ms
    Run Keyword And Expect Error    *there came*    No Decision Should Come    within=100 ms

What Is Missing Is Said
    Run Keyword And Expect Error    *no board has been started*    Run For    1 s
    Run Keyword And Expect Error    *which firmware?*    Start Board
    Run Keyword And Expect Error    *helo*hello*    Start Board    app=helo
    Start Board                     app=hello
    Run Keyword And Expect Error    *no decision has been waited for*    Score Should Be Above    0.5
    Run Keyword And Expect Error    *cycels*    Figure Should Be At Most    cycels    1 M
